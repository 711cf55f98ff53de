"""The pages of the API reference: one for each public module."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

MODULES = {
    "The framework": (
        "minires", "minires.functional", "minires.ops", "minires.nn", "minires.nn.init", "minires.nn.utils",
        "minires.optim", "minires.optim.lr_scheduler", "minires.random", "minires.cuda",
    ),
    "Networks and data": (
        "minires.models", "minires.data", "minires.train", "minires.weights", "minires.onnx",
        "minires.summary",
    ),
    "Measuring gradients": (
        "minires.gradcheck", "minires.gradflow", "minires.degradation", "minires.record",
        "minires.results", "minires.plotting", "minires.lessons",
    ),
    "Experiments": (
        "minires.experiments.lesions", "minires.experiments.paths", "minires.experiments.superres",
        "minires.experiments.transfer", "minires.experiments.pictures",
        "minires.experiments.theory", "minires.experiments.explorable",
    ),
    "Kernels": ("minires_kernels", "minires_emulator"),
}  # fmt: skip


def pages() -> dict[str, str]:
    """Return the pages of the reference by name."""
    owners = _owners()
    found = {name: _page(name, owners) for names in MODULES.values() for name in names}
    lines = [
        "API reference",
        "=" * 13,
        "",
        "Names and conventions are PyTorch's where it has them.",
    ]
    for title, names in MODULES.items():
        lines += ["", title, "-" * len(title), "", ".. list-table::", "   :widths: 30 70", ""]
        for name in names:
            lines += [f"   * - :doc:`{name} <{name}>`", f"     - {_summary(name)}"]
    tree = [f"   {name}" for names in MODULES.values() for name in names]
    lines += ["", ".. toctree::", "   :hidden:", "", *tree]
    return found | {"index": "\n".join(lines) + "\n"}


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


def _summary(name: str) -> str:
    from .docstrings import escape

    first = (_module(name).__doc__ or "").split("\n\n")[0]
    return escape(" ".join(first.split()).removeprefix(f"{name}: "))


def _owners() -> dict[int, str]:
    """Return the page of each class and function that several modules offer: the most special."""
    everywhere = [name for names in MODULES.values() for name in names]
    found = {}
    for page in sorted(everywhere, key=lambda name: name.count(".")):
        module = _module(page)
        for name in getattr(module, "__all__", ()):
            if callable(getattr(module, name)):
                found[id(getattr(module, name))] = page
    return found


def _page(name: str, owners: dict[int, str]) -> str:
    module = _module(name)
    names = list(getattr(module, "__all__", ()))
    elsewhere = {n: owners.get(id(getattr(module, n)), name) for n in names}
    elsewhere = {n: page for n, page in elsewhere.items() if page != name}
    own = [n for n in names if n not in elsewhere]
    lines = [name, "=" * len(name), "", f".. automodule:: {name}"]
    if not names:
        return "\n".join([*lines, "   :members:"]) + "\n"
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Values": []}
    for n in own:
        of = getattr(module, n)
        if inspect.isclass(of):
            kinds["Classes"] += [f".. autoclass:: {name}.{n}", "   :members:", ""]
        elif callable(of):
            kinds["Functions"] += [f".. autofunction:: {name}.{n}", ""]
        elif not isinstance(of, ModuleType):
            kinds["Values"] += [f"* ``{n}``"]
    for title, entries in kinds.items():
        if entries:
            lines += ["", title, "-" * len(title), "", *entries]
    if elsewhere:
        also = ", ".join(f"``{n}`` (:doc:`{page}`)" for n, page in elsewhere.items())
        lines += ["", f"Also here, described elsewhere: {also}."]
    return "\n".join(lines) + "\n"
