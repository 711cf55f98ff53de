"""Which of the things in a checkpoint are the weights: a dict of tensors by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .numbers import text
from .stored import Stored

USUAL = (
    "state_dict", "model_state_dict", "model", "net", "net_state_dict", "network", "weights",
    "params", "generator",
)  # fmt: skip
BESIDE = ("optim", "sched", "scaler", "amp")  # how the names of what is no net begin
DEEPEST = 4
MOST_TOLD = 10
LONGEST = 200  # characters of a part's name


def pick(found: Any, part: str | None) -> tuple[str, dict[str, Stored], dict[str, Any]]:
    """Return the weights in an object: their path ("" for the object itself), they, the rest.

    part: the path wanted, e.g. "model_ema". None takes the first of USUAL, or else the object
    itself if it holds tensors by name, or the only one. ValueError if there is none, or a choice.
    """
    if type(found) is Stored:
        raise ValueError("the file holds one tensor without a name, not a dict of them")
    if type(found) is not dict:
        raise ValueError(f"the file holds {text(found)}, not a dict of tensors")
    parts: dict[str, dict[Any, Any]] = dict(_parts(found, "", set()))
    if part is None:
        part = _usual(parts)
    if part not in parts:
        raise ValueError(f"there is no part {part!r}; there are {_listed(parts)}")
    state = parts[part]
    for name, value in state.items():
        if type(value) is Stored and type(name) is not str:
            what = text(name) if type(name) is int else "neither text nor a number"
            raise ValueError(f"the name of a tensor is {what}, not a text")
    tensors = {name: value for name, value in state.items() if type(value) is Stored}
    beside = found if part else {k: v for k, v in found.items() if k not in tensors}
    return part, tensors, {k: v for k, v in beside.items() if type(k) is str and k != part}


def scalars(beside: dict[str, Any]) -> dict[str, str]:
    """Return what is text or a number, as text: the epoch, the name of the net."""
    return {
        _clean(k): _clean(str(v))
        for k, v in beside.items()
        if len(k) <= 100
        and (type(v) in (float, bool) or (type(v) is int and abs(v) < 1 << 63)
             or (type(v) is str and len(v) <= 1000))
    }  # fmt: skip


def _clean(value: str) -> str:
    return value.encode("utf-8", "replace").decode("utf-8")


def _parts(
    found: dict[Any, Any], path: str, seen: set[int], depth: int = 0
) -> Iterator[tuple[str, dict[Any, Any]]]:
    if id(found) in seen:
        return
    seen.add(id(found))
    if any(type(k) is str and type(v) is Stored for k, v in found.items()):
        yield path, found
    if depth == DEEPEST:
        return
    for key, value in found.items():
        if type(key) is not str or len(key) > LONGEST or key.startswith(BESIDE):
            continue
        if type(value) is dict:
            yield from _parts(value, f"{path}.{key}" if path else key, seen, depth + 1)


def _usual(parts: dict[str, Any]) -> str:
    for name in (*USUAL, ""):
        if name in parts:
            return name
    if len(parts) == 1:
        return next(iter(parts))
    if not parts:
        raise ValueError("the file holds no dict of tensors by name")
    raise ValueError(
        f'the file holds several dicts of tensors: {_listed(parts)}; name one: part="…"'
    )


def _listed(parts: dict[str, Any]) -> str:
    more = f" and {len(parts) - MOST_TOLD:,} more" if len(parts) > MOST_TOLD else ""
    return ", ".join(map(text, list(parts)[:MOST_TOLD])) + more
