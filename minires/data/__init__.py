"""Data: CIFAR, folders of images, embedded digits, synthetic images; augmentation and loaders."""

from .augment import Augment
from .digits import Digits, load_digits, load_raw
from .image_loader import ImageLoader
from .images import Images
from .load import load
from .loader import DataLoader
from .normalise import Normalise
from .synthetic import synthetic_images

__all__ = [
    "Augment",
    "DataLoader",
    "Digits",
    "ImageLoader",
    "Images",
    "Normalise",
    "load",
    "load_digits",
    "load_raw",
    "synthetic_images",
]
