"""Data: embedded digits, synthetic images, and a seeded loader."""

from .digits import Digits, load_digits, load_raw
from .loader import DataLoader
from .synthetic import synthetic_images

__all__ = ["DataLoader", "Digits", "load_digits", "load_raw", "synthetic_images"]
