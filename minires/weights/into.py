"""Weights from a file, or a dict, into a net, whosever names they have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..nn.module import Module
from ..nn.state import LoadedKeys
from .describe import mismatch
from .formats import StrPath, load
from .rename import for_net


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
    name = ""
    if isinstance(path_or_dict, Mapping):
        state = path_or_dict
    elif isinstance(path_or_dict, str | os.PathLike):
        state, name = load(path_or_dict), f"{path_or_dict}: "
    else:
        kind = type(path_or_dict).__name__
        raise TypeError(f"load_into: expected a path or a dict of arrays, got {kind}")
    own = net.state_dict()
    try:
        return net.load_state_dict(for_net(own, state), strict)
    except ValueError as error:
        why = mismatch(state, own)
        raise ValueError(f"{name}{error}" + (f"\n{why}" if why else "")) from None
