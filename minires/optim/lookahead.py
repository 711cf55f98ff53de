"""Lookahead: slow weights that follow a net, and to which it goes back every few steps.

    s ← s + (1 - decay) (w - s)
    w ← s

Zhang et al. 2019 (1907.08610), algorithm 1, with α = 1 - decay; as in airbench (Jordan 2024,
2404.00498), the running statistics of batch norm follow too.
"""

from __future__ import annotations

from .ema import EMA


class Lookahead(EMA):
    """An average of all parameters and buffers of `net` that `update` writes into the net.

        lookahead = optim.Lookahead(net, decay=0.5)
        ...                             # optimizer.step(), five times
        lookahead.update()
        ...                             # at the end
        lookahead.write()               # without the steps since the last update

    `decay` may be changed between updates.
    """

    def update(self) -> None:
        """Move the slow weights towards the net's, and the net to them."""
        super().update()
        self.write()
