"""`.npz` files: zip archives of `.npy` entries, each a header and the bytes of one array.

`numpy.load` makes an array of the size that a header states before it looks for its bytes; here
header and entry have to agree first. Arrays of objects, which are pickles, are refused.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping

import numpy as np

from ..tensor import Array
from .archive import Archive
from .numbers import SIZES, decoded, size_of, text

METADATA = "__metadata__"  # text in JSON, as bytes
MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\s*\{\s*'descr'\s*:\s*'([<>|=]?)(\w{1,9})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    r"\s*'shape'\s*:\s*\(([\d\s,L]*)\)\s*,?\s*\}\s*"
)
_KINDS = {np.dtype(kind).str[1:]: kind for kind in SIZES if kind != "bfloat16"}  # "f4" → "float32"


def is_npz(archive: Archive) -> bool:
    """Tell whether an archive is of arrays of NumPy."""
    return all(name.endswith(".npy") for name in archive.entries)


def read(archive: Archive) -> tuple[dict[str, Array], dict[str, str]]:
    """Return arrays and metadata. ValueError for what is damaged, or no array of numbers."""
    found = {}
    for entry in archive.entries:
        name = entry.removesuffix(".npy")
        try:
            found[name] = array_of(archive.read(entry))
        except ValueError as error:
            raise ValueError(f"{name[:80]!r}: {error}") from None
    stated = found.pop(METADATA, None)
    return found, {} if stated is None else _metadata(stated)


def array_of(content: bytes) -> Array:
    """Return the array of a `.npy` file."""
    if content[:6] != MAGIC or content[6:8] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise ValueError("not an array of NumPy (version 1, 2 or 3)")
    width = 2 if content[6] == 1 else 4
    start = 8 + width + int.from_bytes(content[8 : 8 + width], "little")
    if start > len(content) or start > 10_000:
        raise ValueError("its header is cut off, or longer than 10,000 bytes")
    header = content[8 + width : start].decode("latin-1")
    if not (parts := _HEADER.fullmatch(header)):
        raise ValueError(f"its header is none of an array of numbers: {text(header)}")
    order, code, fortran, sizes = parts.groups()
    if (kind := _KINDS.get(code)) is None:
        raise ValueError(f"its numbers are of type {code!r}; {', '.join(SIZES)} are read")
    digits = [n.rstrip("L") for n in sizes.replace(" ", "").split(",")]
    if not all(n.isdecimal() and len(n) < 20 for n in digits[:-1]) or len(digits[-1]) >= 20:
        raise ValueError(f"its shape is ({text(sizes)[1:-1]})")
    shape = tuple(int(n) for n in digits if n)
    expected = size_of(shape) * SIZES[kind]
    if len(content) - start != expected:
        raise ValueError(
            f"shape {text(shape)} of {kind} needs {expected:,} bytes, there are "
            f"{len(content) - start:,}"
        )
    flat = decoded(memoryview(content)[start:], kind, ">" if order == ">" else "<")
    if fortran == "True":
        return flat.reshape(shape[::-1]).T
    return flat.reshape(shape)


def written(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """Return the file of these arrays, whose bytes depend on them alone."""
    stated = json.dumps(dict(sorted(metadata.items())), ensure_ascii=False).encode()
    extra = {METADATA: np.frombuffer(stated, np.uint8)} if metadata else {}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in sorted((extra | dict(arrays)).items()):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())
    return file.getvalue()


def _metadata(stated: Array) -> dict[str, str]:
    try:
        found = json.loads(stated.tobytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or any(type(v) is not str for v in found.values()):
        raise ValueError(f"{METADATA!r} is not a dict of texts in JSON")
    return found
