"""PyTorch's `.pth` and `.pt` files, without PyTorch: the zip format and the one before it.

zip      since 1.6: NAME/data.pkl is the pickle, NAME/data/KEY the bytes of each storage
legacy   until 1.5: five pickles (a magic number, the version, the system, the object, the keys of
         its storages), then for each key the number of elements in 8 bytes, and the elements

Numbers of the legacy format begin with the lowest byte, on whichever machine they were written.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Literal

from ..tensor import Array
from .allowed import table
from .archive import Archive
from .numbers import SIZES, decoded, text
from .stored import Storage, storage
from .unpickle import Machine

MAGIC = 0x1950A86A20F9469CFC6C
MOST_PICKLE = 32 << 20  # bytes
Read = Callable[[str, str], Array]  # (key, kind) → a whole storage


class _Storages:
    """Turns the identifiers of a pickle into storages, and remembers each one's kind and size."""

    def __init__(self, legacy: bool) -> None:
        self.legacy = legacy
        self.known: dict[str, tuple[str, int]] = {}  # key → kind, elements of the whole

    def __call__(self, identifier: Any) -> Storage:
        found = storage(identifier, self.legacy)
        whole = (found.kind, identifier[4])
        if self.known.setdefault(found.key, whole) != whole:
            raise ValueError(f"the storage {text(found.key)} has two sizes or types")
        return found

    def nbytes(self, key: str) -> int:
        """Return how many bytes a storage must have."""
        kind, count = self.known[key]
        return count * SIZES.get(kind, 1)


def is_legacy(data: bytes) -> bool:
    """Tell whether a file begins with a pickle of the legacy format's number."""
    return data.startswith(b"\x80") and MAGIC.to_bytes(10, "little") in data[:32]


def is_zip(archive: Archive) -> bool:
    """Tell whether an archive is one of PyTorch's."""
    return any(name.endswith("/data.pkl") or name == "data.pkl" for name in archive.entries)


def read_zip(archive: Archive) -> tuple[Any, Read]:
    """Return the object of a zip archive, with tensors as `Stored`, and what reads storages."""
    roots = [n[: -len("data.pkl")] for n in archive.entries if n.split("/")[1:] == ["data.pkl"]]
    if len(roots) != 1:
        raise ValueError("the zip archive has no NAME/data.pkl as torch.save makes it, or several")
    root = roots[0]
    if any(name.startswith((f"{root}code/", f"{root}constants.pkl")) for name in archive.entries):
        raise ValueError(
            "a TorchScript archive, which holds code; in PyTorch: "
            "torch.save(torch.jit.load(path).state_dict(), other)"
        )
    orders: dict[bytes, Literal["<", ">"]] = {b"little": "<", b"big": ">"}
    written = archive.read(f"{root}byteorder") if f"{root}byteorder" in archive else b"little"
    if written not in orders:
        raise ValueError(f"the byte order is {text(written)}, neither little nor big")
    name = f"{root}data.pkl"
    if archive.entries[name].file_size > MOST_PICKLE:
        raise ValueError(f"data.pkl has more than {MOST_PICKLE:,} bytes")
    storages = _Storages(legacy=False)
    found = Machine(io.BytesIO(archive.read(name)), table(), storages).run()

    def read(key: str, kind: str) -> Array:
        content = archive.read(f"{root}data/{key}")
        if len(content) != storages.nbytes(key):
            raise ValueError(
                f"the storage {text(key)} has {len(content):,} bytes, expected "
                f"{storages.nbytes(key):,}"
            )
        return decoded(_whole(content, kind), kind, orders[written])

    return found, read


def read_legacy(data: bytes) -> tuple[Any, Read]:
    """Return the object of a legacy file, with tensors as `Stored`, and what reads storages."""
    file, storages = io.BytesIO(data), _Storages(legacy=True)
    if (magic := Machine(file, {}).run()) != MAGIC:
        raise ValueError(f"the magic number is {text(magic)}")
    if (version := Machine(file, {}).run()) != 1001:
        raise ValueError(f"the version of the format is {text(version)}, expected 1001")
    if type(Machine(file, {}).run()) is not dict:
        raise ValueError("the description of the system is no dict")
    found = Machine(file, table(), storages).run()
    keys = Machine(file, {}).run()
    if type(keys) is not list or any(type(key) is not str for key in keys):
        raise ValueError("the keys of the storages are no list of texts")
    places, place = {}, file.tell()
    for key in keys:
        if key not in storages.known or key in places:
            raise ValueError(f"the storage {text(key)} is not used, or is there twice")
        count = int.from_bytes(data[place : place + 8], "little", signed=True)
        if count != storages.known[key][1]:
            raise ValueError(
                f"the storage {text(key)} has {text(count)} elements, expected "
                f"{storages.known[key][1]:,}: the file is damaged or cut off"
            )
        places[key] = place + 8
        place += 8 + storages.nbytes(key)
        if place > len(data):
            raise ValueError(f"the file is cut off, or damaged, within the storage {text(key)}")

    def read(key: str, kind: str) -> Array:
        if key not in places:
            raise ValueError(f"the file lacks the storage {text(key)}")
        content = memoryview(data)[places[key] : places[key] + storages.nbytes(key)]
        return decoded(_whole(content, kind), kind)

    return found, read


def _whole(content: bytes | memoryview, kind: str) -> memoryview:
    """Return the bytes of whole elements: an untyped storage may end within one."""
    return memoryview(content)[: len(content) // SIZES[kind] * SIZES[kind]]
