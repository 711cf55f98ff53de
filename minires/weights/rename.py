"""The names that weights have elsewhere, and ours: tables turn one into the other and back.

Ours are torchvision's, which timm and most repositories share. A rule is a pair of templates for
the dotted name of a module: `{b}` is an integer, `{s+1}` one more, `[resnet.]` may be missing. What
follows (`.weight`, `.running_mean`) stays, and so does a name that no rule is about.

names             whose
torchvision       torchvision, timm (resnet*), and on CIFAR bearpaw, chenyaofo; ours
huggingface       transformers' ResNetForImageClassification and ResNetModel
kuangliu          pytorch-cifar, and what descends from it: `shortcut`, `linear`
akamaster         pytorch_resnet_cifar10 with option A: `linear`, and zero channels on both sides of
                  x, not behind it, so that the channels are in another order
torchvision-2017  its DenseNet files: `norm.1` for `norm1`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np

Rules = tuple[tuple[str, str], ...]  # (theirs, ours), of modules

TABLES: dict[str, Rules] = {
    "torchvision": (),
    "huggingface": (
        ("[resnet.]embedder.embedder.convolution", "conv1"),
        ("[resnet.]embedder.embedder.normalization", "bn1"),
        (
            "[resnet.]encoder.stages.{s}.layers.{b}.layer.{i}.convolution",
            "layer{s+1}.{b}.conv{i+1}",
        ),
        (
            "[resnet.]encoder.stages.{s}.layers.{b}.layer.{i}.normalization",
            "layer{s+1}.{b}.bn{i+1}",
        ),
        (
            "[resnet.]encoder.stages.{s}.layers.{b}.shortcut.convolution",
            "layer{s+1}.{b}.downsample.0",
        ),
        (
            "[resnet.]encoder.stages.{s}.layers.{b}.shortcut.normalization",
            "layer{s+1}.{b}.downsample.1",
        ),
        ("classifier.1", "fc"),
    ),
    "kuangliu": (
        ("layer{s}.{b}.shortcut.{i}", "layer{s}.{b}.downsample.{i}"),
        ("linear", "fc"),
    ),
    "akamaster": (("linear", "fc"),),
    "torchvision-2017": (
        (
            "features.denseblock{k}.denselayer{l}.norm.{i}",
            "features.denseblock{k}.denselayer{l}.norm{i}",
        ),
        (
            "features.denseblock{k}.denselayer{l}.conv.{i}",
            "features.denseblock{k}.denselayer{l}.conv{i}",
        ),
    ),
}
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.")  # DataParallel, torch.compile, Lightning
MOST_WRAPPERS = 8  # around each other
INSIDE = ("state_dict", "model_state_dict", "model", "net", "state_dict_ema")  # of checkpoints

_FIELD = re.compile(r"\{(\w)(\+1)?\}|\[([^]]*)\]|([^[{]+)")


@cache
def _compiled(template: str) -> tuple[re.Pattern[str], Callable[[Mapping[str, int]], str]]:
    """Return what matches a template, and what fills it in from the integers of another."""
    pattern, parts = "", []
    for field, more, optional, text in _FIELD.findall(template):
        if field:
            pattern += f"(?P<{field}{'1' if more else '0'}>[0-9]{{1,6}})"
        else:
            pattern += f"(?:{re.escape(optional)})?" if optional else re.escape(text)
        parts.append((field, bool(more), optional or text))

    def fill(numbers: Mapping[str, int]) -> str:
        return "".join(str(numbers[f] + more) if f else text for f, more, text in parts)

    return re.compile(rf"{pattern}(?P<rest>\.\w+)"), fill


def renamed(name: str, rules: Rules, back: bool = False) -> str:
    """Return one name as the rules change it, or, with `back`, as it was before."""
    for theirs, ours in rules:
        pattern, _ = _compiled(ours if back else theirs)
        if found := pattern.fullmatch(name):
            groups = found.groupdict()
            rest = groups.pop("rest")
            numbers = {key[0]: int(text) - int(key[1]) for key, text in groups.items()}
            if min(numbers.values(), default=0) >= 0:
                return _compiled(theirs if back else ours)[1](numbers) + rest
    return name


def names_of(state: Iterable[str]) -> str:
    """Return whose names a state has: a key of TABLES, or "unknown".

    Several tables may share names; then the one that says more wins: a net with `linear`, three
    stages and no weights on shortcuts is akamaster's, whose channels are in another order.
    """
    names = set(_unwrapped(state))
    modules = {name.rpartition(".")[0] for name in names}
    if any("embedder.embedder." in m for m in modules):
        return "huggingface"
    if any(re.fullmatch(r"features\.denseblock\d+\.denselayer\d+\.norm\.\d", m) for m in modules):
        return "torchvision-2017"
    blocks = any(re.fullmatch(r"layer\d+\.\d+\.conv\d", m) for m in modules)
    if blocks and "linear" in modules:
        other = re.compile(r"layer\d+\.\d+\.(shortcut|downsample|conv3)\b.*|layer4\b.*")
        return "kuangliu" if any(map(other.fullmatch, modules)) else "akamaster"
    if blocks and any(re.fullmatch(r"layer\d+\.\d+\.shortcut\.\d", m) for m in modules):
        return "kuangliu"
    known = blocks or any(m.startswith("features.") for m in modules)
    return "torchvision" if known else "unknown"


def to_ours(state: Mapping[str, Any], names: str | None = None) -> dict[str, Any]:
    """Return a state under our names, whosever it has (or `names`, a key of TABLES).

    A checkpoint around the state, and the prefixes of WRAPPERS, are taken off. Raises ValueError
    for names of no table, or if two of them become one.
    """
    flat = unwrapped(state)
    names = names or names_of(flat)
    new = {name: renamed(name, _rules(names)) for name in flat}
    _check_distinct(new)
    result = {new[name]: value for name, value in flat.items()}
    return _reordered(result, back=False) if names == "akamaster" else result


def for_net(net: Iterable[str], state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state under the names of a net, wherever renaming makes more of them fit.

    `net` are the names of the net's own state. Names that fit nothing stay, for
    `load_state_dict` to complain about.
    """
    wanted = set(net)
    ours = to_ours(state)
    plain = {str(name): value for name, value in state.items()}
    return ours if len(wanted & set(ours)) > len(wanted & set(plain)) else plain


def from_ours(state: Mapping[str, Any], names: str) -> dict[str, Any]:
    """Return a state of ours under the names of others, a key of TABLES: `to_ours` undoes it."""
    rules = _rules(names)
    if names in ("akamaster", "kuangliu"):
        new = [renamed(name, rules, back=True) for name in state]
        if (meant := names_of(new)) != names:
            raise ValueError(
                f"names {names!r}: no such net there; this one's would be read as {meant!r}, "
                "because akamaster's have three stages of basic blocks and no weights on shortcuts"
            )
    if names == "akamaster":
        state = _reordered(dict(state), back=True)
    theirs = {name: renamed(name, rules, back=True) for name in state}
    _check_distinct(theirs)
    return {theirs[name]: value for name, value in state.items()}


def unwrapped(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names and arrays within a checkpoint, without the prefixes that wrappers add."""
    for key in INSIDE:
        inner = state.get(key)
        if isinstance(inner, Mapping) and inner:
            state = inner
            break
    flat = {str(name): value for name, value in state.items()}
    return dict(zip(_unwrapped(flat), flat.values(), strict=True))


def _unwrapped(names: Iterable[str]) -> list[str]:
    found = [str(name) for name in names]
    for _ in range(MOST_WRAPPERS):
        prefix = next((w for w in WRAPPERS if found and all(n.startswith(w) for n in found)), None)
        if prefix is None:
            break
        found = [n.removeprefix(prefix) for n in found]
    return found


def _rules(names: str) -> Rules:
    if names == "unknown":
        return ()
    if names not in TABLES:
        raise ValueError(f"names: expected one of {', '.join(TABLES)}, got {names!r}")
    return TABLES[names]


def _check_distinct(new: Mapping[str, str]) -> None:
    before: dict[str, str] = {}
    for old, name in new.items():
        if name in before:
            raise ValueError(f"{before[name]!r} and {old!r} are two names of {name!r}; remove one")
        before[name] = old


def _reordered(state: dict[str, Any], back: bool) -> dict[str, Any]:
    """Return the state of an option A net with its channels in our order, or `back` in theirs.

    Their shortcut from c to 2 c channels is (c/2 zeros, x, c/2 zeros), ours (x, c zeros). What a
    stage adds to x follows: our channel j is theirs number order[j] everywhere on that path.
    """
    if not (shape := getattr(state.get("conv1.weight"), "shape", ())):
        raise ValueError("akamaster's option A: there is no conv1.weight to tell the channels from")
    width = shape[0]
    before, stage = np.arange(width), 2
    while f"layer{stage}.0.conv1.weight" in state:
        if len(before) % 2:
            raise ValueError(f"option A with {len(before)} channels: they are padded on both sides")
        side = len(before) // 2
        ends = [np.arange(side), np.arange(3 * side, 4 * side)]
        order = np.concatenate([side + before, *ends])
        block = 0
        while (name := f"layer{stage}.{block}.conv1.weight") in state:
            state[name] = _taken(state[name], order if block else before, 1, back)
            for part in ("conv2.weight", *(f"bn2.{p}" for p in _NORM)):
                part = f"layer{stage}.{block}.{part}"
                if part in state:
                    state[part] = _taken(state[part], order, 0, back)
            block += 1
        before, stage = order, stage + 1
    if "fc.weight" in state:
        state["fc.weight"] = _taken(state["fc.weight"], before, 1, back)
    return state


_NORM = ("weight", "bias", "running_mean", "running_var")


def _taken(values: Any, order: Any, axis: int, back: bool) -> Any:
    values = np.asarray(values)
    if values.ndim <= axis or values.shape[axis] != len(order):
        raise ValueError(
            f"akamaster's option A: expected {len(order)} channels along axis {axis}, got shape "
            f"{values.shape}"
        )
    return np.take(values, np.argsort(order) if back else order, axis)
