"""`.safetensors` files: 8 bytes of length, a header in JSON, then the bytes of the arrays.

Reading and checking is the safetensors library's. Of its files it leaves the order of the metadata
to chance; here it is sorted, so that the same arrays give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..tensor import Array
from .numbers import decoded, size_of

KINDS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
METADATA = "__metadata__"


def looks_so(data: bytes) -> bool:
    """Tell whether a file begins as this format does."""
    return data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") <= len(data) - 8


def read(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """Return arrays and metadata. ValueError for what is damaged, or of other kinds of numbers."""
    from safetensors import SafetensorError, deserialize

    try:
        tensors = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ValueError(f"safetensors: {error}") from None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")], object_pairs_hook=_once)
    found = {}
    for name, tensor in tensors:
        if (kind := KINDS.get(tensor["dtype"])) is None:
            raise ValueError(f"numbers of type {tensor['dtype']} ({name[:80]!r}) are not read")
        shape = tuple(tensor["shape"])
        size_of(shape, name[:80])
        found[name] = decoded(tensor["data"], kind).reshape(shape)
    return dict(sorted(found.items())), header.get(METADATA) or {}


def written(arrays: Mapping[str, Array], metadata: Mapping[str, str], bfloat16: set[str]) -> bytes:
    """Return the file of these arrays; those named in `bfloat16` are the bits of such numbers."""
    from safetensors.numpy import save

    data = save(dict(arrays))
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop(METADATA, None)
    for name in bfloat16:
        header[name]["dtype"] = "BF16"
    first: dict[str, Any] = {METADATA: dict(sorted(metadata.items()))} if metadata else {}
    entries = sorted(header.items(), key=lambda item: (item[1]["data_offsets"], item[0]))
    text = json.dumps(first | dict(entries), separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[start:]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("safetensors: the header has a key twice")
    return found
