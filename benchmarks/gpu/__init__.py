"""What only a GPU can tell: `python -m benchmarks.gpu`."""

from . import parts  # and with it all other modules

__all__ = ["parts"]
