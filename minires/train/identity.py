"""What a run is: model, recipe, data, seed; and how two runs differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data import Images

SAMPLE = 256  # images whose pixels are hashed


def fingerprint(images: Images) -> dict[str, Any]:
    """Return what identifies a split: name, counts, a hash of all labels and of 256 images."""
    x, y = images.x, images.y
    every = max(1, len(x) // SAMPLE)
    found = hashlib.sha256(np.ascontiguousarray(x[::every]).tobytes())
    found.update(np.ascontiguousarray(y).tobytes())
    return {
        "name": images.name,
        "split": images.split,
        "images": len(x),
        "shape": list(x.shape[1:]),
        "classes": len(images.classes),
        "sample": found.hexdigest()[:16],
    }


def differences(saved: Any, now: Any, at: str = "") -> list[str]:
    """Return a line for each value in which two documents differ."""
    if isinstance(saved, Mapping) and isinstance(now, Mapping):
        dot = f"{at}." if at else ""
        return [
            line
            for key in dict.fromkeys([*saved, *now])
            for line in differences(saved.get(key), now.get(key), f"{dot}{key}")
        ]
    if isinstance(saved, list | tuple) and isinstance(now, list | tuple):
        saved, now = list(saved), list(now)
    return [] if saved == now else [f"{at}: {saved!r} in the checkpoint, {now!r} now"]
