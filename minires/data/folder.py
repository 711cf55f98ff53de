"""Images from a folder that has a folder for each class, as for transfer."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels import checks

from ..tensor import Array
from .images import Images

SUFFIXES = (".png", ".jpg", ".jpeg")
FORMATS = ("PNG", "JPEG")
TEST_SHARE = 0.2  # of each class, where the folder has no train and test
MOST_NAMED = 5
MOST_BYTES = 4 << 30  # of all pixels


def load_folder(path: str | Path, split: str = "train", size: int | None = None) -> Images:
    """Read PATH/train/CLASS/*.png and PATH/test/..., or PATH/CLASS/*.png with a drawn split.

    Without train and test folders, a fifth of each class, drawn with seed 0 among the sorted names,
    is for testing. PNG and JPEG are read, turned as their EXIF says, transparency on white; all
    become RGB. `size` brings every image to size × size: the shorter side is scaled to it, then the
    centre is cut out. Raises ValueError that names images which are broken or of another size.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"folder: there is no folder {root}")
    if size is not None:
        checks.integer("size", size, 1)
    named = {s: root / s for s in ("train", "test")}
    own_split = all(p.is_dir() for p in named.values())
    if not own_split and any(p.is_dir() for p in named.values()):
        raise ValueError(
            f"{root} has one of the folders train and test; expected both, or a folder per class"
        )
    classes = _classes(named["train"] if own_split else root)
    if own_split and (other := _classes(named["test"])) != classes:
        differ = sorted(set(classes) ^ set(other))
        raise ValueError(f"{root}: train and test have different classes: {', '.join(differ)}")
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = _images((named[split] if own_split else root) / name)
        if not own_split:
            images = _drawn(images, split)
        files += images
        labels += [label] * len(images)
    note = "" if own_split else f"split drawn: {TEST_SHARE:.0%} of each class for testing"
    return Images(_read_all(files, size), np.array(labels), tuple(classes), root.name, split, note)


def _classes(root: Path) -> list[str]:
    found = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(found) < 2:
        raise ValueError(
            f"{root}: expected a folder for each class, at least two; found {found or 'none'}"
        )
    return found


def _images(folder: Path) -> list[Path]:
    found = sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
    )
    if not found:
        raise ValueError(f"{folder}: no image; expected files that end in {', '.join(SUFFIXES)}")
    return found


def _drawn(files: list[Path], split: str) -> list[Path]:
    if len(files) < 2:
        raise ValueError(f"{files[0].parent}: one image cannot be for training and for test")
    order = np.random.default_rng(0).permutation(len(files))
    held = max(1, round(TEST_SHARE * len(files)))
    chosen = order[:held] if split == "test" else order[held:]
    return [files[i] for i in sorted(chosen)]


def _read_all(files: list[Path], size: int | None) -> Array:
    """Return (N, H, W, 3) uint8; ValueError lists what cannot be read."""
    pixels: list[Array] = []
    broken: list[str] = []
    used = 0
    for path in files:
        try:
            pixels.append(read_image(path, size))
            used += pixels[-1].nbytes
        except ValueError as error:
            broken.append(str(error))
        if used > MOST_BYTES:
            raise ValueError(
                f"{path}: the images take more than {MOST_BYTES >> 30} GiB; tell a "
                "smaller size (size=, --size)"
            )
    if broken:
        more = f"\n  and {len(broken) - MOST_NAMED} more" if len(broken) > MOST_NAMED else ""
        raise ValueError(
            f"{len(broken)} of {len(files)} images cannot be used; mend or remove them:\n  "
            + "\n  ".join(broken[:MOST_NAMED])
            + more
        )
    shapes = {p.shape for p in pixels}
    if len(shapes) > 1:
        first = next(i for i, p in enumerate(pixels) if p.shape != pixels[0].shape)
        raise ValueError(
            f"images of different sizes: {files[0]} has {_size(pixels[0])}, {files[first]} has "
            f"{_size(pixels[first])}; tell the size to bring them to (size=, --size)"
        )
    return np.stack(pixels)


def _size(pixels: Array) -> str:
    return f"{pixels.shape[1]} × {pixels.shape[0]}"


def read_image(path: str | Path, size: int | tuple[int, int] | None = None) -> Array:
    """Read a PNG or JPEG file as (H, W, 3) uint8; see `load_folder`. ValueError names the file.

    size   a side, or (height, width)
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # EXIF that is odd
            with Image.open(path, formats=FORMATS) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise ValueError("an animation; expected one image")
                image.load()
                upright: Any = ImageOps.exif_transpose(image)
                return np.array(_fitted(_rgb(upright), size))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        most = Image.MAX_IMAGE_PIXELS
        raise ValueError(f"{path}: an image of more than {most:,} pixels is refused") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: no PNG or JPEG image") from None
    except (
        OSError, SyntaxError, EOFError, ValueError, TypeError, struct.error, MemoryError,
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: broken ({error})") from None


def _rgb(image: Any) -> Any:
    """Return the image as RGB: what is transparent becomes white, 16-bit grey its upper bits."""
    from PIL import Image

    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64)
        image = Image.fromarray((grey >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _fitted(image: Any, size: int | tuple[int, int] | None) -> Any:
    from PIL import Image, ImageOps

    if size is None:
        return image
    height, width = size if isinstance(size, tuple) else (size, size)
    return ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
