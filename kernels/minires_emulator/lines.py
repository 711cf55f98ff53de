"""From addresses of compiled code to lines of source: a reader of DWARF 2 to 4 line tables.

A line table is a program for a small machine with an address, a file and a line; each row it emits
says that the code from this address on, up to the next row's, belongs to that line.
"""

from __future__ import annotations

import bisect
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """The code from `address` on belongs to this line; `file` is None behind the end of a part."""

    address: int
    file: str | None
    line: int


class LineTable:
    """The rows of a module, by address."""

    def __init__(self, debug_line: bytes) -> None:
        rows: list[Row] = []
        position = 0
        while position < len(debug_line):
            (length,) = struct.unpack_from("<I", debug_line, position)
            rows += _Program(debug_line[position + 4 : position + 4 + length]).run()
            position += 4 + length
        # Where one part of the code ends another begins: the end comes first.
        self.rows = sorted(rows, key=lambda row: (row.address, row.file is not None))
        self._addresses = [row.address for row in self.rows]

    def find(self, address: int) -> tuple[str, int] | None:
        """Return file and line of the code at `address`, None if there is no row for it."""
        i = bisect.bisect_right(self._addresses, address) - 1
        if i < 0 or (file := self.rows[i].file) is None:
            return None
        return file, self.rows[i].line


class _Program:
    """One unit of .debug_line, its length field left out."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        version = self.unsigned(2)
        if not 2 <= version <= 4:
            raise ValueError(f"the line table has version {version}, expected 2 to 4")
        header_length = self.unsigned(4)
        program = self.at + header_length
        self.step = self.unsigned(1)  # bytes of the shortest instruction
        if version == 4:
            self.unsigned(1)  # operations per instruction: one
        self.unsigned(1)  # whether a row begins a statement: all rows count here
        self.line_base, self.line_range, self.opcode_base = struct.unpack_from(
            "<bBB", data, self.at
        )
        self.at += 3
        self.operands = [self.unsigned(1) for _ in range(self.opcode_base - 1)]
        folders = [""]
        while folder := self.string():
            folders.append(folder)
        self.files = [""]
        while name := self.string():
            folder = folders[self.leb128()]
            self.leb128(), self.leb128()  # time and size: not known
            self.files.append(f"{folder}/{name}" if folder else name)
        self.at = program

    def unsigned(self, size: int) -> int:
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "little")

    def string(self) -> str:
        end = self.data.index(b"\0", self.at)
        begin, self.at = self.at, end + 1
        return self.data[begin:end].decode(errors="replace")

    def leb128(self, signed: bool = False) -> int:
        value = shift = 0
        while True:
            byte = self.unsigned(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return value - (1 << shift) if signed and byte & 0x40 else value

    def run(self) -> list[Row]:
        rows: list[Row] = []
        address, file, line = 0, 1, 1

        def emit() -> None:
            if line:  # 0: it belongs to no line
                rows.append(Row(address, self.files[file], line))

        while self.at < len(self.data):
            code = self.unsigned(1)
            if code >= self.opcode_base:
                code -= self.opcode_base
                address += code // self.line_range * self.step
                line += self.line_base + code % self.line_range
                emit()
            elif code == 0:  # extended
                length = self.leb128()
                end = self.at + length
                extended = self.unsigned(1)
                if extended == 1:  # end of this part of the code
                    rows.append(Row(address, None, 0))
                    address, file, line = 0, 1, 1
                elif extended == 2:
                    address = self.unsigned(length - 1)
                self.at = end
            elif code == 1:
                emit()
            elif code == 2:
                address += self.leb128() * self.step
            elif code == 3:
                line += self.leb128(signed=True)
            elif code == 4:
                file = self.leb128()
            elif code == 8:  # as the last special code would, without a row
                address += (255 - self.opcode_base) // self.line_range * self.step
            elif code == 9:
                address += self.unsigned(2)
            else:  # columns and flags
                for _ in range(self.operands[code - 1]):
                    self.leb128()
        return rows
