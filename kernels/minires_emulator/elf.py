"""The parts of a shared object that reports need: sections and symbols (64-bit ELF)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

VARIABLE, FUNCTION, THREAD_LOCAL = 1, 2, 6  # types of symbols


@dataclass(frozen=True)
class Symbol:
    """A variable or function: its mangled name, address and bytes.

    The address of a thread-local variable counts from the start of the module's thread-local
    storage.
    """

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Section:
    """A part of the file, and its address relative to the module."""

    address: int
    data: bytes


def sections(path: Path) -> dict[str, Section]:
    """Return the file's sections that have contents."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path} is not a 64-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<Q", data, 0x28)
    size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, offset + i * size) for i in range(count)]
    names = headers[names_index]
    found = {}
    for name, kind, _, address, begin, length in headers:
        text = _text(data, names[4] + name)
        if kind != 8:  # SHT_NOBITS
            found[text] = Section(address, data[begin : begin + length])
    return found


def symbols(parts: dict[str, Section], kind: int) -> list[Symbol]:
    """Return what the module defines of one type, by address."""
    names, table = parts[".strtab"].data, parts[".symtab"].data
    found = [
        Symbol(_text(names, name), address, size)
        for name, info, _, section, address, size in struct.iter_unpack("<IBBHQQ", table)
        if info & 15 == kind and section != 0 and size > 0
    ]
    return sorted(found, key=lambda symbol: symbol.address)


def _text(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
