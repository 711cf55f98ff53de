"""Files of weights: which format one has by its content, what is in it, and writing one."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from minires_kernels import arrays as places

from .. import results
from ..tensor import Array, Tensor
from . import npz, parts, pth, safe, stored
from .archive import Archive
from .numbers import SIZES, narrowed, widened

FORMATS = (".safetensors", ".npz")  # that are written
OTHERS = {
    b"\x89HDF\r\n": "an HDF5 file, of Keras or the like",
    b"\x1f\x8b": "compressed by gzip: unpack it (gunzip)",
    b"BZh": "compressed by bzip2: unpack it",
    b"\xfd7zXZ": "compressed by xz: unpack it",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: run git lfs pull",
    b"<": "a page in HTML or XML: the download has failed, or led to a page about the file",
    b"GGUF": "a GGUF file, of a language model",
    npz.MAGIC: "one array without a name (.npy); numpy.load reads it",
}
StrPath = results.StrPath


class HasState(Protocol):
    """A net: what has a state dict."""

    def state_dict(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Content:
    """What a file holds: arrays by name, metadata, and words about the rest for the user."""

    arrays: dict[str, Array]
    metadata: dict[str, str]
    format: str
    part: str = ""  # where in a checkpoint the arrays were
    beside: list[str] = field(default_factory=list)  # names of what else is in it


def save(path: StrPath, net_or_dict: HasState | Mapping[str, Any],
         metadata: Mapping[str, str] | None = None) -> Path:  # fmt: skip
    """Write the weights of a net, or a dict of arrays, to a `.safetensors` or `.npz` file.

    The name's end chooses; without one it is safetensors. Arrays keep dtype and logical values,
    whatever their memory order, and are sorted: the same arrays and metadata give the same bytes.
    A reader sees the old file or the new one. Raises TypeError for what is no array of numbers
    or no text in `metadata`, ValueError for another format, OSError for what cannot be written.
    """
    return write(path, net_or_dict, metadata or {})


def write(path: StrPath, net_or_dict: HasState | Mapping[str, Any],
          metadata: Mapping[str, str], dtype: str | None = None) -> Path:  # fmt: skip
    """Do what `save` does, with floating arrays cast to `dtype`, which may be "bfloat16"."""
    ending = Path(path).suffix.lower()
    if ending not in ("", *FORMATS):
        hint = "; PyTorch reads .safetensors" if ending in (".pth", ".pt", ".bin", ".ckpt") else ""
        raise ValueError(f"{path}: expected a name in {' or '.join(FORMATS)}, got {ending!r}{hint}")
    if not isinstance(net_or_dict, Mapping):
        if not hasattr(net_or_dict, "state_dict"):
            kind = type(net_or_dict).__name__
            raise TypeError(f"save: expected a net or a dict of arrays by name, got {kind}")
        net_or_dict = net_or_dict.state_dict()
    arrays = {name: _plain(name, value) for name, value in net_or_dict.items()}
    _check_texts(arrays, metadata)
    halves = set()
    if dtype is not None:
        halves = {n for n, a in arrays.items() if a.dtype.kind == "f" and dtype == "bfloat16"}
        if halves and ending == ".npz":
            raise ValueError("bfloat16: NumPy's .npz has no such numbers; write .safetensors")
        arrays = {n: _cast(n, a, dtype) if a.dtype.kind == "f" else a for n, a in arrays.items()}
    if ending == ".npz":
        return results.write_bytes(path, npz.written(arrays, metadata))
    return results.write_bytes(path, safe.written(arrays, metadata, halves))


def _plain(name: Any, value: Any) -> Array:
    """Return contiguous little-endian numbers in NumPy's memory."""
    if type(name) is not str or name == safe.METADATA:
        raise TypeError(f"save: expected names that are texts, got {name!r}")
    try:
        array = np.asarray(places.to_host(value.data if isinstance(value, Tensor) else value))
    except (TypeError, ValueError, RuntimeError) as error:  # the last is PyTorch's
        raise TypeError(f"save: {name}: {error}") from None
    if array.dtype.name not in SIZES or array.dtype.name == "bfloat16":
        given = type(value).__name__ if array.dtype.kind in "OUSV" else array.dtype
        raise TypeError(f"save: {name}: expected an array of {', '.join(SIZES)}, got {given}")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def _cast(name: str, array: Array, dtype: str) -> Array:
    """Return floating numbers in another precision. ValueError where they are beyond its range."""
    with np.errstate(over="ignore"):
        cast = array.astype(np.float32 if dtype == "bfloat16" else dtype)
    bits = narrowed(cast) if dtype == "bfloat16" else cast
    read_back = widened(bits) if dtype == "bfloat16" else cast
    if beyond := np.count_nonzero(np.isinf(read_back) & np.isfinite(array)):
        raise ValueError(f"{name}: {beyond:,} numbers are beyond the range of {dtype}")
    return bits


def _check_texts(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata: expected a dict of texts, got {type(metadata).__name__}")
    for key, value in metadata.items():
        if type(key) is not str or type(value) is not str:
            raise TypeError(f"metadata: expected texts by name, got {key!r}: {value!r}")
    for text in (*arrays, *metadata, *metadata.values()):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"save: {text!r} is no text in Unicode") from None


def load(path: StrPath, part: str | None = None) -> dict[str, Array]:
    """Read the arrays of a `.safetensors`, `.npz`, `.pth` or `.pt` file, told by its content.

    The names are the file's. bfloat16 becomes float32, exactly. Nothing in a file is run; what is
    damaged or no weights raises ValueError with the file's name. In a checkpoint of PyTorch `part`
    names the state dict ("model_ema"), by default the usual one; tied tensors share memory.
    """
    return read(path, part).arrays


def metadata(path: StrPath) -> dict[str, str]:
    """Return the texts that a file has beside its arrays; of a checkpoint its numbers and texts."""
    return read(path).metadata


def read(path: StrPath, part: str | None = None) -> Content:
    """Return what is in a file: see `load`."""
    data = _bytes(path)
    try:
        found = _content(data, part)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if part is not None and found.part != part:
        raise ValueError(f"{path}: part {part!r}: a {found.format} file has no parts")
    return found


def _bytes(path: StrPath) -> bytes:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}")
    mode = path.stat().st_mode  # before it is opened, which waits for a pipe's other end
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError(f"{path}: not a file of weights but a device or a pipe")
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder; name a file of weights in it{_one_in(path)}")
    return path.read_bytes()


def _one_in(folder: Path) -> str:
    found = sorted(folder.glob("*.safetensors"), key=lambda file: file.name != "model.safetensors")
    return f", e.g. {found[0]}" if found else ""


def _content(data: bytes, part: str | None) -> Content:
    if not data:
        raise ValueError("the file is empty")
    if data.startswith(b"PK"):
        archive = Archive(data)
        if pth.is_zip(archive):
            return _checkpoint("pth (zip)", len(data), *pth.read_zip(archive), part)
        if npz.is_npz(archive):
            return Content(*npz.read(archive), "npz")
        raise ValueError("a zip archive, but neither of torch.save nor of numpy.savez")
    if pth.is_legacy(data):
        return _checkpoint("pth (legacy)", len(data), *pth.read_legacy(data), part)
    if safe.looks_so(data):
        return Content(*safe.read(data), "safetensors")
    if data[257:262] == b"ustar":
        raise ValueError(
            "a tar archive, as PyTorch wrote until 0.1; load it in a PyTorch of today and save it"
        )
    for start, what in OTHERS.items():
        if data.startswith(start):
            raise ValueError(f"this is {what}")
    if data.startswith(b"\x80"):
        raise ValueError("a pickle, but not as torch.save makes it; it is not opened")
    raise ValueError("no file of weights (.safetensors, .npz, .pth), or a damaged one")


def _checkpoint(kind: str, size: int, found: Any, read: pth.Read, part: str | None) -> Content:
    path, tensors, beside = parts.pick(found, part)
    return Content(
        stored.arrays(tensors, read, size), parts.scalars(beside), kind, path, list(beside)
    )
