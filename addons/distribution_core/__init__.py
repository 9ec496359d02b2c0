"""What every part of the distribution suite needs."""
from . import engine
from . import models
