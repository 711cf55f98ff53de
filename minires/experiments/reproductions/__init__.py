"""Experiments of papers that can be run again: `minires reproduce`.

base      what a reproduction is: arms, results, verdict
running   every arm with every seed; what is finished is kept
report    the table beside the paper's numbers, run.json
small     nets of seconds, for the short forms;  real: nets of the paper's size
"""

from __future__ import annotations

import difflib

from . import branches, depth, ensembles, features, identity, restoration, survival
from .base import Form, Reproduction

ALL: dict[str, Reproduction] = {
    r.name: r
    for module in (depth, identity, branches, survival, ensembles, restoration, features)
    for r in module.REPRODUCTIONS
}

__all__ = ["ALL", "Form", "Reproduction", "find", "names"]


def names() -> list[str]:
    """Return the names of all reproductions, in the order of the list."""
    return list(ALL)


def find(name: str) -> Reproduction:
    """Return a reproduction by its name. ValueError names those that resemble it."""
    if name in ALL:
        return ALL[name]
    near = difflib.get_close_matches(str(name), ALL, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(ALL)}"
    raise ValueError(f"no reproduction is called {name!r}; {hint}")
