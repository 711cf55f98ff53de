"""Checkpoints: one file with all that a training needs to go on bit by bit.

A checkpoint is a safetensors file. Its arrays are those of the net, the optimiser and so on; all
else is a JSON document in its header, beside a digest of everything. It is written under another
name, forced to the disk and renamed; the one before is kept beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, to_host

from ..tensor import Array

NAME, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"
KIND, VERSION = "minires checkpoint", "1"
TENSOR = "$tensor"  # marks an array's place in the document


class BrokenCheckpoint(ValueError):
    """A file that is no whole, unchanged checkpoint; the text says which and why."""


def save(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write a document (plain values and arrays) as the folder's checkpoint; return its path.

    Whatever stops it, the folder holds the old checkpoint or the new one, whole. Raises OSError.
    """
    from safetensors.numpy import save as to_bytes

    tensors: dict[str, Array] = {}
    text = json.dumps(_packed("", document, tensors), allow_nan=True)
    header = {"kind": KIND, "version": VERSION, "document": text, "digest": _digest(text, tensors)}
    data = to_bytes(tensors or {"none": np.zeros(0, np.float32)}, metadata=header)
    path = folder / NAME
    temporary = folder / f".minires-{secrets.token_hex(8)}"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            _keep(path, folder / PREVIOUS)
        os.replace(temporary, path)
        _sync(folder)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def load(path: Path) -> dict[str, Any]:
    """Return the document of a checkpoint, with its arrays.

    Raises BrokenCheckpoint for a file that is cut off, edited, or something else; OSError for one
    that cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    data = path.read_bytes()
    try:
        tensors = from_bytes(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        if header["kind"] != KIND:
            raise KeyError
        text, version, digest = header["document"], header["version"], header["digest"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        detail = f" ({error})" if isinstance(error, SafetensorError) else ""
        raise BrokenCheckpoint(
            f"{path} is no checkpoint of `minires train`, or is cut off{detail}"
        ) from None
    if version != VERSION:
        raise BrokenCheckpoint(
            f"{path} is a checkpoint of version {version!r}; this minires reads version {VERSION}"
        )
    tensors = {k: v for k, v in tensors.items() if k != "none"}
    if _digest(text, tensors) != digest:
        raise BrokenCheckpoint(f"{path} has been changed or damaged: its digest does not fit")
    try:
        document = _unpacked(json.loads(text), tensors)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BrokenCheckpoint(f"{path} holds no document of a training") from None
    assert isinstance(document, dict)
    return document


def load_latest(folder: Path) -> tuple[dict[str, Any], Path, str]:
    """Return a folder's newest whole checkpoint, its path, and "" or what is wrong with a newer.

    Raises FileNotFoundError without any, BrokenCheckpoint if none is whole.
    """
    wrong: list[str] = []
    for name in (NAME, PREVIOUS):
        path = folder / name
        if not path.exists():
            wrong.append(f"there is no {path}")
            continue
        try:
            return load(path), path, wrong[0] if wrong else ""
        except BrokenCheckpoint as error:
            wrong.append(str(error))
    if any("there is no" not in text for text in wrong):
        raise BrokenCheckpoint("; ".join(wrong))
    raise FileNotFoundError(f"there is no checkpoint in {folder}; start without --resume")


def exists(folder: Path) -> bool:
    """Return whether there is a checkpoint in the folder, whole or not."""
    return any((folder / name).exists() for name in (NAME, PREVIOUS))


def remove(folder: Path, *, names: tuple[str, ...] = (NAME, PREVIOUS)) -> None:
    """Remove the folder's checkpoints."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _keep(path: Path, previous: Path) -> None:
    """Let `previous` be the file that `path` is, so that at every moment one of both exists."""
    link = previous.with_name(f".minires-{secrets.token_hex(8)}")
    try:
        os.link(path, link)
        os.replace(link, previous)
    except OSError:  # a file system without links
        with contextlib.suppress(OSError):
            link.unlink(missing_ok=True)
        os.replace(path, previous)


def _sync(folder: Path) -> None:
    """Force the folder's entries to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _digest(text: str, tensors: Mapping[str, Array]) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        a = tensors[name]
        found.update(f"{name} {a.dtype.str} {a.shape}".encode())
        found.update(a.tobytes())
    return found.hexdigest()


def _packed(at: str, value: Any, tensors: dict[str, Array]) -> Any:
    """Return `value` as JSON holds it; arrays go to `tensors` under the path to them."""
    if isinstance(value, Mapping):
        dot = f"{at}." if at else ""
        return {str(k): _packed(f"{dot}{k}", v, tensors) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(f"{at}.{i}", v, tensors) for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if is_array(value):
        tensors[at] = np.array(to_host(value), order="C", copy=True)
        return {TENSOR: at}
    return value


def _unpacked(value: Any, tensors: Mapping[str, Array]) -> Any:
    if isinstance(value, dict):
        if set(value) == {TENSOR}:
            return tensors[value[TENSOR]]
        return {k: _unpacked(v, tensors) for k, v in value.items()}
    if isinstance(value, list):
        return [_unpacked(v, tensors) for v in value]
    return value
