"""`.safetensors` files: 8 bytes of length, a header in JSON, then the bytes of the arrays.

Reading and checking is the safetensors library's where there is one. Of its files it leaves the
order of the metadata to chance; here it is sorted, so that the same arrays give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..tensor import Array
from .numbers import decoded, size_of

KINDS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
BYTES = dict.fromkeys(("F64", "I64", "U64"), 8) | dict.fromkeys(("F32", "I32", "U32"), 4)
BYTES |= dict.fromkeys(("F16", "BF16", "I16", "U16"), 2) | dict.fromkeys(("I8", "U8", "BOOL"), 1)
METADATA = "__metadata__"


def looks_so(data: bytes) -> bool:
    """Tell whether a file begins as this format does."""
    return data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") <= len(data) - 8


def read(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """Return arrays and metadata. ValueError for what is damaged, or of other kinds of numbers."""
    tensors = _deserialized(data)
    header = _header(data)
    found = {}
    for name, tensor in tensors:
        if (kind := KINDS.get(tensor["dtype"])) is None:
            raise ValueError(f"numbers of type {tensor['dtype']} ({name[:80]!r}) are not read")
        shape = tuple(tensor["shape"])
        size_of(shape, name[:80])
        found[name] = decoded(tensor["data"], kind).reshape(shape)
    return dict(sorted(found.items())), header.get(METADATA) or {}


def _deserialized(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:  # in a browser
        return sliced(data)
    try:
        return deserialize(data)  # type: ignore[no-any-return, no-untyped-call]
    except SafetensorError as error:
        raise ValueError(f"safetensors: {error}") from None


def sliced(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Do what the library's `deserialize` does, where it cannot be installed: in a browser.

    ValueError unless the arrays lie one behind the other and fill the file, each with its size.
    """
    try:
        header, body = _header(data), memoryview(data)[8 + int.from_bytes(data[:8], "little") :]
        stated = (header.pop(METADATA, None) or {}).values()
        if not all(isinstance(v, str) for v in stated):
            raise ValueError("its metadata are no texts")
        found, end = [], 0
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            start, stop = entry["data_offsets"]
            if (dtype := entry["dtype"]) not in BYTES:
                raise ValueError(f"numbers of type {dtype} ({name[:80]!r}) are not read")
            size = BYTES[dtype] * math.prod(entry["shape"])
            if start != end or stop - start != size or min(entry["shape"], default=0) < 0:
                raise ValueError(f"{name[:80]!r} is not where it should be")
            found.append((name, {**entry, "data": bytes(body[start:stop])}))
            end = stop
        if end != len(body):
            raise ValueError(f"its arrays have {end} bytes, and {len(body)} are there")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"safetensors: the file is damaged: {error}") from None
    return found


def _header(data: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(
        data[8 : 8 + int.from_bytes(data[:8], "little")], object_pairs_hook=_once
    )
    return header


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
