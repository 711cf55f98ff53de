"""Weights from a file, or a dict, into a net, whosever names they have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..nn.module import Module
from ..nn.state import LoadedKeys
from .files import StrPath, load


def load_into(
    net: Module, path_or_dict: StrPath | Mapping[str, Any], strict: bool = True
) -> LoadedKeys:
    """Load a file of weights, or a dict of arrays, into a net: `Module.load_state_dict`.

    Names may be torchvision's (ours), Hugging Face's or another table's of `weights.rename`, with
    the prefixes of DataParallel and the like. Raises ValueError, with the file's name, that lists
    missing and unexpected names (if strict) and differing shapes; then nothing is changed. Returns
    the missing and the unexpected names.
    """
    if not isinstance(net, Module):
        raise TypeError(f"load_into: expected a net, got {type(net).__name__}")
    if isinstance(path_or_dict, Mapping):
        return net.load_state_dict(_renamed(net, path_or_dict), strict)
    if not isinstance(path_or_dict, str | os.PathLike):
        kind = type(path_or_dict).__name__
        raise TypeError(f"load_into: expected a path or a dict of arrays, got {kind}")
    state = load(path_or_dict)
    try:
        return net.load_state_dict(_renamed(net, state), strict)
    except ValueError as error:
        raise ValueError(f"{path_or_dict}: {error}") from None


def _renamed(net: Module, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the state without a prefix that all of its names have and the net's have not."""
    names = set(net.state_dict())
    for prefix in ("module.", "_orig_mod.", "model.", "net."):
        if not names & set(state) and all(str(name).startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state
