from . import api
from . import health
