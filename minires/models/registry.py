"""The nets by name: `models.names()`, `models.build("resnet20", shortcut="B")`."""

from __future__ import annotations

import difflib
from typing import Any

from .. import nn
from .catalogue import ENTRIES
from .entry import Entry


def names() -> list[str]:
    """Return the names of all nets, sorted."""
    return sorted(entry.name for entry in ENTRIES)


def find(name: str) -> Entry:
    """Return the entry of a net. ValueError for an unknown name tells the ones that are near."""
    if not isinstance(name, str):
        raise TypeError(f"name: expected the name of a net, got {name!r}")
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    near = difflib.get_close_matches(name.lower().replace("-", "").replace("_", ""), names(), 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`minires models` lists all"
    raise ValueError(f"no net is called {name!r}; {hint}")


def build(name: str, **options: Any) -> nn.Module:
    """Return a new net by its name, e.g. `build("resnet20", shortcut="B", seed=0)`.

    ValueError for an unknown name, TypeError for an option that the net does not take.
    """
    return find(name).build(**options)
