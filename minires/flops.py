"""Counting the arithmetic of a network: `with watching(FlopCounter()) as counter: …`, then print.

A floating-point operation is one addition, product, comparison, root or exponential, so that a
product and the addition that follows it are two (papers that count multiply-adds print half of it).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from . import results
from .observe import Observer
from .ops import values

MOVES = {"Reshape", "Permute", "GetItem", "Concat", "Pad", "PadShortcut", "Move", "Cast", "Alias"}
# Each gradient of these is a product of the size of forward's.
PRODUCTS = {"Conv2d", "ConvTranspose2d", "Linear", "MatMul"}


class FlopCounter(Observer):
    """Counts the floating-point operations that run while it looks on, by the name of the Function.

    forward    of kernels what their specification says (`KernelSpec.flops`); 2·M·N·K of a product
               of matrices; one for each element of the largest input or output elsewhere, and
               nothing where data only moves
    backward   of a convolution or a product of matrices as many as forward for each factor whose
               gradient is wanted; elsewhere as many as forward. Adding gradients up is not counted
    calls      how often each Function ran forward
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.forward: Counter[str] = Counter()
        self.backward: Counter[str] = Counter()
        self._of: dict[int, int] = {}  # by the index of the node, which nobody keeps alive

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        name, flops = function.__name__, flops_of(function, inputs, options, y)
        self.calls[name] += 1
        self.forward[name] += flops
        if y.node is not None:
            self._of[y.node.index] = flops

    def passing(self, node: Any, dy: Any) -> None:
        flops = self._of.get(node.index, 0)
        if flops:
            wanted = sum(parent is not None for parent in node.parents[:2])  # a bias costs sums
            self.backward[node.name] += flops * (wanted if node.name in PRODUCTS else 1)

    def __getstate__(self) -> dict[str, Any]:
        return {name: counts.copy() for name, counts in vars(self).items()}  # also for copy.copy

    @property
    def total(self) -> int:
        """Operations forward and backward."""
        return self.forward.total() + self.backward.total()

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each Function, the most expensive first: calls, forward, backward."""
        rows = [
            {
                "function": name,
                "calls": self.calls[name],
                "forward": self.forward[name],
                "backward": self.backward[name],
                "share": (self.forward[name] + self.backward[name]) / max(1, self.total),
            }
            for name in self.calls
        ]
        return sorted(rows, key=lambda row: -row["share"])

    def __str__(self) -> str:
        sums: dict[str, Any] = {"function": "all", "calls": self.calls.total(), "share": 1.0}
        sums |= {"forward": self.forward.total(), "backward": self.backward.total()}
        shown = [
            row
            | {k: f"{row[k]:,}" for k in ("forward", "backward")}
            | {"share": f"{row['share']:.1%}"}
            for row in [*self.rows(), sums]
        ]
        return results.table(shown, ["function", "calls", "forward", "backward", "share"])


def flops_of(function: Any, inputs: tuple[Any, ...], options: dict[str, Any], y: Any) -> int:
    """Return the operations of one call of a Function, see `FlopCounter`."""
    given = [values(x) for x in inputs]
    spec = getattr(function, "spec", None)
    if spec is not None:
        asked = {k: v for k, v in options.items() if k != "seen"}
        return int(spec.flops(*given, **asked))
    if function.__name__ == "MatMul":
        return int(2 * math.prod(y.shape) * given[0].shape[-1])
    if function.__name__ == "ConvTranspose2d":  # each pixel of x meets all weights of its channel
        return int(2 * given[0].size * math.prod(given[1].shape[1:]))
    if function.__name__ in MOVES:
        return 0
    return int(max(y.size, *(getattr(x, "size", 0) for x in given)))
