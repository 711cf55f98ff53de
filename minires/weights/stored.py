"""Tensors as PyTorch's files describe them: pieces of storages, checked before anything is read.

A tensor is a storage (a flat array in the file), an offset, sizes and strides, all in elements.
Its last element is number offset + Σ (size − 1) · stride, which must lie within the storage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array
from .numbers import LARGEST, SIZES, most_bytes, size_of, text
from .unpickle import Name

STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16",
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8",
    "Bool": "bool",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """A flat array of the file: `count` elements of `kind`, or bytes if the kind is "".

    A view has `count` elements from number `start` on.
    """

    key: str
    kind: str
    count: int
    start: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A tensor of the file: where in the storage `key` its elements lie; checked by `tensor`."""

    key: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the array that it becomes."""
        return size_of(self.shape) * max(SIZES[self.kind], 4 * (self.kind == "bfloat16"))


def tensor(storage: Any, offset: Any, shape: Any, strides: Any, kind: str = "") -> Stored:
    """Return the tensor of `kind` at that place. ValueError for one that is not in its storage."""
    if type(storage) is not Storage:
        raise ValueError(f"a tensor's storage is {text(storage)}")
    kind = kind or storage.kind
    if not kind:
        raise ValueError("a tensor of an untyped storage does not say its dtype")
    count = storage.count if storage.kind else storage.count // SIZES[kind]
    if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        raise ValueError(f"a tensor has sizes {text(shape)} but strides {text(strides)}")
    place = f"a tensor of shape {text(shape)}, strides {text(strides)}, offset {text(offset)}"
    elements = size_of(shape, place)
    for n in (offset, *strides):
        if type(n) is not int or not 0 <= n < LARGEST:
            raise ValueError(f"{place}: {text(n)} is not an integer from 0 to 2^63")
    if elements:
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if last >= count:
            raise ValueError(f"{place} reaches outside its storage, which has {count:,} elements")
    return Stored(storage.key, kind, storage.start + offset, shape, strides)


def arrays(
    tensors: Mapping[str, Stored], read: Callable[[str, str], Array], file_size: int
) -> dict[str, Array]:
    """Return the tensors as arrays. `read(key, kind)` gives a whole storage as a flat array.

    Tensors that share a storage share its memory here too, as in PyTorch; repeated elements
    (strides of 0) become elements of their own. ValueError if there would be far more bytes than
    the file has.
    """
    total = sum(t.nbytes for t in tensors.values())
    if total > most_bytes(file_size):
        raise ValueError(
            f"the tensors would take {total:,} bytes, of a file of {file_size:,}: it repeats "
            "elements far more often than weights do"
        )
    flat: dict[tuple[str, str], Array] = {}
    found = {}
    for name, t in tensors.items():
        key = (t.key, t.kind)
        if 0 in t.shape:
            found[name] = np.empty(t.shape, np.float32 if t.kind == "bfloat16" else t.kind)
            continue
        if key not in flat:
            flat[key] = read(*key)
        source = flat[key]
        size = source.itemsize
        # NumPy checks the bounds of `buffer` once more.
        view: Array = np.ndarray(
            t.shape, source.dtype, source, t.offset * size, tuple(n * size for n in t.strides)
        )
        repeats = any(n > 1 and step == 0 for n, step in zip(t.shape, t.strides, strict=True))
        found[name] = view.copy() if repeats else view
    return found


def storage(identifier: Any, legacy: bool = False) -> Storage:
    """Return the storage that a persistent identifier is about. ValueError for another.

    ("storage", class, key, device, count) and, in the legacy format, a view: None or its (key,
    offset, count) in the storage.
    """
    if type(identifier) is not tuple or len(identifier) not in (5, 6):
        raise ValueError(f"an identifier of a storage is {text(identifier)}")
    tag, kind, key, _, count = identifier[:5]
    if tag == "module":
        raise ValueError(
            "the file holds a whole net with its class, not its weights; in PyTorch: "
            "torch.save(net.state_dict(), path)"
        )
    if tag != "storage" or type(kind) is not Name or type(key) is not str:
        raise ValueError(f"an identifier of a storage is {text(identifier)}")
    untyped = kind.name.endswith("UntypedStorage")
    of = STORAGES.get(kind.name.removeprefix("torch.").removesuffix("Storage"), "")
    if not untyped and not of:
        raise ValueError(
            f"storages of the class {kind.name} are not read; in PyTorch, before saving: "
            ".to(torch.float32), or .real and .imag"
        )
    if type(count) is not int or not 0 <= count < LARGEST // 8:
        raise ValueError(f"a storage of {text(count)} elements")
    whole = Storage(key, of, count)
    view = identifier[5] if len(identifier) == 6 and legacy else None
    if view is None:
        return whole
    if type(view) is not tuple or len(view) != 3:
        raise ValueError(f"a view of a storage is {text(view)}")
    _, start, part = view
    if (
        type(start) is not int
        or type(part) is not int
        or min(start, part) < 0
        or start + part > count
    ):
        raise ValueError(f"a view of {text(part)} elements from {text(start)} on, of {count:,}")
    return Storage(key, of, part, start)
