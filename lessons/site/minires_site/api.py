"""The pages of the API reference: one for each public module."""

from __future__ import annotations

import importlib
from types import ModuleType

MODULES = {
    "The framework": (
        "minires", "minires.functional", "minires.ops", "minires.nn", "minires.nn.init",
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
    "Kernels": ("minires_kernels", "minires_emulator"),
}  # fmt: skip


def pages() -> dict[str, str]:
    """Return the pages of the reference by name."""
    found = {name: _page(name) for names in MODULES.values() for name in names}
    lines = ["API reference", "=" * 13, "", "Names and conventions are PyTorch's where it has them."]
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


def _page(name: str) -> str:
    names = getattr(_module(name), "__all__", None)
    members = f"   :members: {', '.join(names)}" if names else "   :members:"
    return f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n{members}\n   :undoc-members:\n"
