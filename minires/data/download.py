"""Download CIFAR: checked, from mirrors that are tried in turn, or nothing at all is kept."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import results
from .cifar import OFFICIAL, OTHER, Found, examine, opened
from .cifar_layouts import Cifar, Layout
from .places import StrPath, to_get

CONNECT, SILENCE = 10, 20  # s to wait for a connection, and for further bytes
SLOW, PATIENCE = 200_000, 15  # bytes/s, s: below that another mirror is tried, if there is one
CHUNK = 1 << 16
ROOM = 190 << 20  # bytes of the unpacked files
LEFTOVER = ".minires-download-"


class _Slow(Exception):
    """A mirror that would take too long."""


def get(cifar: Cifar, root: StrPath | None = None, urls: Sequence[str] = ()) -> Path:
    """Return the folder with CIFAR's files, which are downloaded unless they are there and whole.

    root   folder to write to; None: `MINIRES_DATA`, or the cache
    urls   addresses of an official archive, instead of the known mirrors

    Raises ConnectionError that says what each mirror answered and what to do, OSError if there is
    no space, ValueError for an address that is none.
    """
    to = to_get() if root is None else Path(root).expanduser()
    for layout in cifar.layouts:
        path = to / layout.folder
        states = {row["state"] for row in examine(cifar, Found(layout, path))}
        if states == {OFFICIAL}:
            return path
        if states <= {OFFICIAL, OTHER}:
            raise ValueError(
                f"{path} has files that are whole but not the official ones; move it away to get "
                "those, or use it as it is"
            )
    waiting = _given(cifar, urls) or [(a, m + a.archive) for a in cifar.layouts for m in a.mirrors]
    _require_space(to, max(layout.size for layout, _ in waiting))
    told: list[str] = []
    slow: list[tuple[Layout, str]] = []
    for patient in (False, True):
        for i, (layout, url) in enumerate(waiting):
            in_haste = not patient and i + 1 < len(waiting)
            print(f"{layout.archive} from {urlsplit(url).netloc}", file=sys.stderr, flush=True)
            try:
                return _fetch(layout, url, to, in_haste)
            except _Slow as error:
                told.append(f"{url}: {error}")
                slow.append((layout, url))
            except (OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # of the disk, not of the network
                told.append(f"{url}: {error}")
        waiting = slow
    first = cifar.layouts[0]
    raise ConnectionError(
        f"{cifar.title} could not be downloaded:\n  "
        + "\n  ".join(told)
        + f"\nIs this machine offline, or behind a proxy (HTTPS_PROXY)? On another one, download "
        f"{first.mirrors[0]}{first.archive} ({first.size // 1_000_000} MB), and copy it to {to}. "
        "To go on without it: the digits, or synthetic images (`digits`, `synthetic`)."
    )


def _given(cifar: Cifar, urls: Sequence[str]) -> list[tuple[Layout, str]]:
    """Return the layouts of the addresses that a user gives."""
    known = {layout.archive: layout for layout in cifar.layouts}
    pairs = []
    for url in urls:
        parts = urlsplit(url)
        name = parts.path.rpartition("/")[2]
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"expected an address such as https://host/{next(iter(known))}: {url}")
        if name not in known:
            raise ValueError(f"expected an address that ends in {' or '.join(known)}: {url}")
        pairs.append((known[name], url))
    return pairs


def _require_space(to: Path, size: int) -> None:
    results.folder(to)  # says what is wrong with it
    needed, free = size + ROOM, shutil.disk_usage(to).free
    if free < needed:
        raise OSError(
            f"{to} has {free / 1e6:,.0f} MB free, {needed / 1e6:,.0f} MB are needed; set "
            "MINIRES_DATA to a folder with space"
        )


def _fetch(layout: Layout, url: str, to: Path, in_haste: bool) -> Path:
    """Download an archive, check it, and put its files into a folder."""
    import pooch

    _remove_leftovers(to)
    pooch.get_logger().setLevel("WARNING")
    with tempfile.TemporaryDirectory(prefix=LEFTOVER, dir=to) as folder:
        try:
            path = pooch.retrieve(
                url,
                known_hash=f"sha256:{layout.sha256}",
                fname=layout.archive,
                path=folder,
                downloader=_Downloader(layout.size, in_haste),
            )
        except ValueError as error:
            if "does not match the known hash" in str(error):
                raise ValueError("sends other bytes than the official archive (SHA-256)") from None
            raise
        with opened(Found(layout, Path(path))) as read:
            for name in (*layout.train, *layout.test):
                results.write_bytes(to / layout.folder / name, read(name))
    return to / layout.folder


def _remove_leftovers(to: Path) -> None:
    """Remove what a process that was killed has left a day ago or earlier."""
    for path in to.glob(f"{LEFTOVER}*"):
        if time.time() - path.stat().st_mtime > 86400:
            shutil.rmtree(path, ignore_errors=True)


class _Downloader:
    """What pooch asks for a file: shows progress, and gives up a mirror that is slow or silent."""

    def __init__(self, size: int, in_haste: bool) -> None:
        self.size, self.in_haste = size, in_haste

    def __call__(self, url: str, output_file: Any, _pooch: Any) -> None:
        import requests

        try:
            with requests.get(
                url,
                stream=True,
                timeout=(CONNECT, SILENCE),
                headers={"Accept-Encoding": "identity"},  # the archive is packed already
            ) as answer:
                if answer.status_code != 200:
                    raise ValueError(f"answers {answer.status_code} {answer.reason}")
                self._save(url, answer, Path(output_file))
        except requests.exceptions.Timeout:
            raise ValueError(f"no answer within {SILENCE} s") from None
        except requests.exceptions.ChunkedEncodingError:
            raise ValueError("the connection ended too early") from None
        except requests.exceptions.SSLError as error:
            raise ValueError(f"no safe connection ({error})"[:200]) from None
        except requests.exceptions.ConnectionError as error:
            silent = "timed out" in str(error).lower()
            reason = f"no answer within {SILENCE} s" if silent else "cannot be reached"
            raise ValueError(reason) from None
        except requests.exceptions.RequestException as error:
            raise ValueError(str(error)[:200]) from None

    def _save(self, url: str, answer: Any, path: Path) -> None:
        from tqdm import tqdm

        begun, got = time.monotonic(), 0
        bar = tqdm(
            total=self.size,
            unit="B",
            unit_scale=True,
            desc=urlsplit(url).netloc,
            leave=False,
            disable=None,
        )
        with path.open("wb") as file, bar:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                got += len(chunk)
                bar.update(len(chunk))
                if got > self.size:
                    raise ValueError(f"sends more than the {self.size:,} bytes of the archive")
                seconds = time.monotonic() - begun
                if self.in_haste and seconds > PATIENCE and got < SLOW * seconds:
                    rate = got / seconds
                    left = (self.size - got) / rate / 60
                    raise _Slow(f"slow ({rate / 1000:.0f} kB/s, {left:.0f} minutes to go)")
        if got != self.size:
            raise ValueError(f"sent {got:,} of {self.size:,} bytes")
