"""State dicts: checked as a whole, then written into the parameters and buffers of a net."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minires_kernels import arrays

from ..tensor import Array, Tensor

Target = Tensor | Array  # a parameter or a buffer


class LoadedKeys(NamedTuple):
    """What `load_state_dict` did not use: names that the state lacks, and that the net lacks."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load(who: str, targets: Mapping[str, Target], state: Any, strict: bool) -> LoadedKeys:
    """Write the arrays of `state` into the targets of the same names: `Module.load_state_dict`."""
    if not isinstance(state, Mapping):
        hint = ": pass its state_dict()" if hasattr(state, "state_dict") else ""
        raise TypeError(
            f"{who}.load_state_dict: expected a dict of arrays by name, got "
            f"{type(state).__name__}{hint}"
        )
    names: dict[int, list[str]] = {}  # of each target; several where it is tied
    for name, target in targets.items():
        names.setdefault(id(target), []).append(name)
    missing = [
        tied[0]
        for tied in names.values()
        # PyTorch's older files have no counters of batches either; the net's stays as it is.
        if not any(n in state for n in tied) and not tied[0].endswith("num_batches_tracked")
    ]
    unexpected = [str(name) for name in state if name not in targets]
    if missing and unexpected and (prefix := _prefix(targets, state)):
        raise ValueError(f"{who}.load_state_dict: {prefix}")
    problems = []
    if strict and missing:
        problems.append("missing: " + _some(missing))
    if strict and unexpected:
        problems.append("unexpected: " + _some(unexpected))
    found: dict[int, tuple[Target, Any]] = {}
    wrong = []
    for name, target in targets.items():
        if name not in state:
            continue
        try:
            value = _fitting(state[name], target)
        except (TypeError, ValueError, RuntimeError) as error:  # the last is PyTorch's
            wrong.append(f"{name}: {error}")
            continue
        if not _equal(found.setdefault(id(target), (target, value))[1], value):
            wrong.append(
                f"{' and '.join(names[id(target)])} are one array in this net (tied), and their "
                "values differ; untie them, or leave one of the names out"
            )
    if wrong:
        problems.append(_some(wrong, "; "))
    if problems:
        raise ValueError(f"{who}.load_state_dict: " + "; ".join(problems))
    for target, value in found.values():
        if isinstance(target, Tensor):
            target.update_(value)
        else:
            target[...] = value
    return LoadedKeys(missing, unexpected)


def _fitting(value: Any, target: Target) -> Any:
    """Return a copy of `value` in the target's dtype and place; ValueError or TypeError if unfit.

    Numbers are cast within their kind or to a wider one, float64 to float32 and integers to
    floats, but floats never to integers. The copy matters where `value` is a view of a target.
    """
    array = arrays.as_array(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"expected an array of numbers, got {type(value).__name__}")
    if array.shape != target.shape:
        raise ValueError(f"expected shape {target.shape}, got {array.shape}")
    if not np.can_cast(array.dtype, target.dtype, "same_kind"):
        raise TypeError(f"expected {target.dtype}, got {array.dtype}")
    here = target.data if isinstance(target, Tensor) else target
    if isinstance(here, np.ndarray) and not here.flags.writeable:
        raise ValueError("the net's array is read-only; give the parameter a copy of it")
    return arrays.to_device_of(array.astype(target.dtype), here)


def _equal(a: Any, b: Any) -> bool:
    return a is b or np.array_equal(arrays.to_host(a), arrays.to_host(b), equal_nan=True)


def _some(texts: list[str], separator: str = ", ", most: int = 6) -> str:
    more = f"{separator}and {len(texts) - most} more" if len(texts) > most else ""
    return separator.join(texts[:most]) + more


def _prefix(targets: Mapping[str, Target], state: Mapping[Any, Any]) -> str:
    """Say what to do if one prefix is all that tells the names of the state from the net's."""
    ours, theirs = list(targets), [str(name) for name in state]
    if prefix := _before(ours, theirs):
        makers = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}
        maker = f" ({makers[prefix]} adds it)" if prefix in makers else ""
        return (
            f"the names start with {prefix!r}{maker}; remove it: "
            f"{{name.removeprefix({prefix!r}): value for name, value in state.items()}}"
        )
    if prefix := _before(theirs, ours):
        return (
            f"the names lack this net's {prefix!r}; load into that submodule, or add it: "
            f"{{{prefix!r} + name: value for name, value in state.items()}}"
        )
    for key, inner in state.items():
        if isinstance(inner, Mapping) and (set(inner) & set(ours) or _before(ours, list(inner))):
            return f"this is a dict around the net's state; pass state[{key!r}]"
    return ""


def _before(short: Iterable[str], long: list[str]) -> str:
    """Return the prefix, ending with a dot, that most names of `short` have in `long`, or ""."""
    short = [name for name in short if not name.endswith("num_batches_tracked")]
    if not short:
        return ""
    starts = [name.removesuffix(short[0]) for name in long if name.endswith("." + short[0])]
    present = set(long)
    return next((s for s in starts if sum(s + n in present for n in short) > len(short) / 2), "")
