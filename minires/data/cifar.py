"""Read CIFAR-10 and CIFAR-100 as they are distributed: binary or pickled, unpacked or archived."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tensor import Array
from .cifar_layouts import PIXELS, Cifar, Layout
from .images import Images
from .pickles import read_batch
from .places import StrPath, places

OFFICIAL, OTHER = "official", "differs from the official file (md5)"
MOST = 200 << 20  # bytes of one file; the largest official one has 155 MB
MOST_UNPACKED = 2 * MOST  # of an archive, which is as much as is ever read of one


@dataclass(frozen=True)
class Found:
    """A copy of a data set: a folder with the files, or the archive."""

    layout: Layout
    path: Path

    @property
    def packed(self) -> bool:
        """Whether it is the archive."""
        return self.path.name == self.layout.archive


def copies(cifar: Cifar, root: StrPath | None = None) -> Iterator[Found]:
    """Find the copies in the places to look in, the one to prefer first."""
    for place in places(root):
        for layout in cifar.layouts:
            known = place.name == layout.folder or layout.train[0].startswith("data_batch")
            for folder in (place / layout.folder, place) if known else (place / layout.folder,):
                if any((folder / name).is_file() for name in (*layout.train, *layout.test)):
                    yield Found(layout, folder)
            for path in (place / layout.archive, place):
                if path.name == layout.archive and path.is_file():
                    yield Found(layout, path)


def find(cifar: Cifar, root: StrPath | None = None) -> Found:
    """Return the copy to use; FileNotFoundError says how to get one."""
    if (found := next(copies(cifar, root), None)) is not None:
        return found
    looked = places(root)
    size = cifar.layouts[0].size // 1_000_000
    where = ", ".join(os.path.abspath(p) for p in looked)
    raise FileNotFoundError(
        f"{cifar.title} is not on this machine (looked in {where}). Get it with `minires data get "
        f"{cifar.name}` ({size} MB), or copy {cifar.layouts[0].archive} to {looked[-1]}. To go on "
        "without it: the digits, or synthetic images (`digits`, `synthetic`)."
    )


def load_cifar(cifar: Cifar, split: str, root: StrPath | None = None) -> Images:
    """Read a split. ValueError names the file that is missing, partial or wrong."""
    found = find(cifar, root)
    names = found.layout.files(split)
    xs, ys, official = [], [], True
    with opened(found) as read:
        for name in names:
            raw = read(name)
            official &= md5(raw) == found.layout.md5[name]
            x, y = decode(cifar, found.layout, name, raw)
            xs.append(x)
            ys.append(y)
            del raw
    counts = [len(y) for y in ys]
    if len(set(counts)) > 1:
        least = counts.index(min(counts))
        raise ValueError(
            f"{found.path}: {names[least]} has {counts[least]:,} images and another file has "
            f"{max(counts):,}: partial, {again(cifar)}"
        )
    notes = [] if official else ["the files differ from the official ones (md5)"]
    if sum(counts) != cifar.images[split]:
        notes.append(f"{sum(counts):,} of {cifar.images[split]:,} images")
    x, y = (a[0] if len(a) == 1 else np.concatenate(a) for a in (xs, ys))
    return Images(x, y, cifar.classes, cifar.name, split, "; ".join(notes))


def decode(cifar: Cifar, layout: Layout, name: str, raw: bytes) -> tuple[Array, Array]:
    """Return the images (N, 32, 32, 3) uint8 and labels of a file; ValueError if it is none."""
    if layout.label_bytes:
        record = layout.label_bytes + PIXELS
        if len(raw) == 0 or len(raw) % record:
            raise ValueError(
                f"{name} has {len(raw):,} bytes, which is no multiple of {record:,}: partial or "
                f"another file; {again(cifar)}"
            )
        records = np.frombuffer(raw, np.uint8).reshape(-1, record)
        y, pixels = records[:, layout.label_bytes - 1], records[:, layout.label_bytes :]
    else:
        try:
            pixels, y = read_batch(raw, cifar.label_key)
        except ValueError as error:
            raise ValueError(f"{name}: {error}; {again(cifar)}") from None
    y = y.astype(np.int64)
    if len(y) == 0 or y.min() < 0 or y.max() >= len(cifar.classes):
        wrong = int(np.argmax((y < 0) | (y >= len(cifar.classes)))) if len(y) else 0
        raise ValueError(
            f"{name}: image {wrong} has the label {y[wrong] if len(y) else None}, "
            f"{cifar.title} has 0 to {len(cifar.classes) - 1}: corrupt or another file; "
            f"{again(cifar)}"
        )
    x = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(x), y


def examine(cifar: Cifar, found: Found) -> list[dict[str, str | int | None]]:
    """Return a row for each file: its name, images, and state.

    The state is OFFICIAL, OTHER for files that are whole but not those of the authors, or else what
    is wrong with it.
    """
    rows: list[dict[str, str | int | None]] = []
    names = (*found.layout.train, *found.layout.test)
    try:
        with opened(found) as read:
            for name in names:
                images, state = None, OFFICIAL
                try:
                    raw = read(name)
                    images = len(decode(cifar, found.layout, name, raw)[1])
                    if md5(raw) != found.layout.md5[name]:
                        state = OTHER
                except (ValueError, OSError) as error:
                    state = str(error)
                rows.append({"file": name, "images": images, "state": state})
    except ValueError as error:
        return [{"file": name, "images": None, "state": str(error)} for name in names]
    return rows


def md5(raw: bytes) -> str:
    """Return the checksum that the authors give; it tells files apart, and is no protection."""
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def again(cifar: Cifar) -> str:
    """Return what to do about a broken copy."""
    return f"remove it and run `minires data get {cifar.name}`"


# ---- bytes of files -----------------------------------------------------------------------------
class _Limited(gzip.GzipFile):
    """A packed file of which nothing beyond MOST_UNPACKED bytes is unpacked, whatever it claims."""

    def read(self, size: int | None = -1) -> bytes:
        self._require(self.tell() + (MOST_UNPACKED + 1 if size is None or size < 0 else size))
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._require(offset)
        return super().seek(offset, whence)

    def _require(self, end: int) -> None:
        if end > MOST_UNPACKED:
            raise ValueError(f"unpacks to more than {MOST_UNPACKED:,} bytes")


class _Reader:
    """Reads files by name, from a folder or from an archive of which nothing is unpacked."""

    def __init__(self, found: Found, archive: tarfile.TarFile | None) -> None:
        self.found, self.archive = found, archive

    def __call__(self, name: str) -> bytes:
        where = f"{self.found.path}: {name}"
        if self.archive is None:
            path = self.found.path / name
            if not path.is_file():
                raise ValueError(f"{where} is missing: partial; remove the rest, and get it anew")
            if path.stat().st_size > MOST:
                raise ValueError(f"{where} has {path.stat().st_size:,} bytes: another file")
            return path.read_bytes()
        member = f"{self.found.layout.folder}/{name}"
        try:
            info = self.archive.getmember(member)
            if not info.isreg() or info.size > MOST:
                raise ValueError(f"no file of at most {MOST:,} bytes")
            file = self.archive.extractfile(info)
            raw = b"" if file is None else file.read(MOST)
        except KeyError:
            raise ValueError(f"{where} is not in the archive: another archive, or a part") from None
        except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
            raise ValueError(f"{where}: the archive is damaged ({error}); get it anew") from None
        if len(raw) != info.size:
            raise ValueError(f"{where} ends too early in the archive: partial; get it anew")
        return raw


@contextlib.contextmanager
def opened(found: Found) -> Iterator[_Reader]:
    """Give a function that returns a file's bytes by its name; ValueError names what is wrong."""
    if not found.packed:
        yield _Reader(found, None)
        return
    with _Limited(found.path) as file:
        try:
            archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
        except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
            raise ValueError(
                f"{found.path} is no whole tar.gz archive ({error}); remove it, and get it anew"
            ) from None
        with archive:
            yield _Reader(found, archive)
        try:
            while file.read(1 << 16):  # up to the archive's own checksum
                pass
        except (EOFError, OSError, zlib.error, ValueError) as error:
            raise ValueError(f"{found.path}: damaged ({error}); get it anew") from None
