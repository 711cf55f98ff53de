"""Zip archives: sizes, places and names that they state are checked before anything is read."""

from __future__ import annotations

import io
import zipfile
import zlib

from .numbers import most_bytes

MOST_ENTRIES = 200_000


class Archive:
    """The entries of a zip file by name. Raises ValueError for a damaged or strange one."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except Exception as error:  # zipfile lets through what its parts raise for a damaged file
            raise ValueError(f"the zip archive is damaged or cut off ({error})") from None
        if len(entries) > MOST_ENTRIES:
            raise ValueError(f"a zip archive of {len(entries):,} entries; at most {MOST_ENTRIES:,}")
        self.entries = {entry.filename: entry for entry in entries}
        if len(self.entries) < len(entries):
            raise ValueError("two entries of the zip archive have the same name")
        end = 0
        for entry in sorted(entries, key=lambda e: e.header_offset):
            stored = entry.compress_type == zipfile.ZIP_STORED
            if entry.flag_bits & 1:
                raise ValueError("the zip archive is encrypted; unpack it and pack it without")
            if not stored and entry.compress_type != zipfile.ZIP_DEFLATED:
                raise ValueError("the zip archive is compressed by another method than deflate")
            if stored and entry.compress_size != entry.file_size:
                raise ValueError("an entry of the zip archive has two sizes")
            if entry.header_offset < end:
                raise ValueError("entries of the zip archive overlap")
            end = entry.header_offset + 30 + entry.compress_size
        if end > len(data):
            raise ValueError("an entry of the zip archive reaches beyond the end of the file")
        total = sum(entry.file_size for entry in entries)
        if total > most_bytes(len(data)):
            raise ValueError(
                f"the zip archive of {len(data):,} bytes would unpack to {total:,}; save it "
                "without compression (numpy.savez)"
            )

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def read(self, name: str) -> bytes:
        """Return the content of an entry, whose check sum is compared."""
        if name not in self.entries:
            raise ValueError(f"the zip archive lacks the entry {name[:200]!r}")
        try:
            content = self._zip.read(self.entries[name])
        except (
            zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
            OSError, ValueError,
        ) as error:  # fmt: skip
            raise ValueError(f"entry {name[:200]!r} of the zip archive: {error}") from None
        if len(content) != self.entries[name].file_size:
            raise ValueError(f"entry {name[:200]!r} of the zip archive is cut off")
        return content
