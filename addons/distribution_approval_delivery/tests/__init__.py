from . import test_delivery_methods
