"""Does a net train on this GPU as on the CPU, and does a graph replay what the eager step does?

step    three steps of a ResNet-8 on both, from the same weights: losses, parameters and running
        statistics agree within TOLERANCE
graph   four replays of a captured step, with another learning rate halfway, after its warm-up; the
        same bits as seven eager steps. In a rehearsal there is no graph: the step is only repeated
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minires.functional as F
from minires import Tensor, no_grad, optim, use_backend

from ..nets import SGD, Net
from ..timing import Row, note
from .checks import Found, error, require_alive
from .place import Place
from .plan import Plan

# Relative to the largest value of each array. Rounding grows from step to step in float32, all the
# more as few pixels stand behind each mean of batch norm.
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}
STEPS = 3
WARMUP, REPLAYS = 3, 4


class Training:
    """A ResNet-8 in training on a place, or on the CPU where that is None."""

    def __init__(self, place: Place | None, net: Net, dtype: str) -> None:
        x, y = net.data()
        module = net.build().to(dtype)
        self.place = place
        self.net = module if place is None else place.move(module)
        self.x, self.y = (a if place is None else place.put(a) for a in (x.astype(dtype), y))
        self.sgd = optim.SGD(self.net.parameters(), **SGD)

    def step(self) -> Tensor:
        """Train once; return the loss of before."""
        loss = F.cross_entropy(self.net(Tensor(self.x)), self.y)
        self.sgd.zero_grad()
        loss.backward()
        self.sgd.step()
        return loss

    def halve(self) -> None:
        """Halve the learning rate."""
        self.sgd.param_groups[0]["lr"] /= 2

    def state(self) -> dict[str, Any]:
        """Return parameters and running statistics as NumPy's arrays."""
        with no_grad():
            arrays = self.net.state_dict()
        return {
            name: np.asarray(a if self.place is None else self.place.get(a))
            for name, a in arrays.items()
        }


def check_training(place: Place, plan: Plan, found: Found) -> None:
    """Run both checks for each dtype of the plan. Raises checks.Lost."""
    for dtype in plan.dtypes:
        for name, check in (("step = cpu", _step), ("graph = eager", _graph)):
            who: Row = {"kernel": name, "version": "", "dtype": dtype}
            before = len(found.failures)
            worst: float | None = None
            try:
                worst = check(
                    place,
                    plan.trained,
                    dtype,
                    lambda row, who=who: found.failures.append(who | row),
                )
            except Exception as problem:
                told = f"{type(problem).__name__}: {str(problem).strip().partition(chr(10))[0]}"
                found.failures.append({**who, "case": "ResNet-8", "what": told})
                require_alive(place, f"{name}: {told}")
            failed = len(found.failures) - before
            found.rows.append({**who, "cases": 1, "left out": 0, "worst": worst, "failed": failed})
        note(f"checks: training in {dtype} done")


Report = Callable[[Row], None]


def _compare(report: Report, case: str, what: str, e: float, allowed: float) -> float:
    if not e <= allowed:
        report({"case": case, "what": what, "error": e, "allowed": allowed})
    return e / allowed if allowed else e


def _step(place: Place, net: Net, dtype: str, report: Report) -> float:
    """Return the worst error over what is allowed."""
    here, there = Training(place, net, dtype), Training(None, net, dtype)
    losses = []
    with place.active():
        for _ in range(STEPS):
            losses.append(float(here.step().item()))
    with use_backend("cpu"):
        expected = [float(there.step().item()) for _ in range(STEPS)]
    allowed = TOLERANCE[dtype]
    errors = [("loss", error(np.array(losses), np.array(expected)))]
    state = here.state()
    errors += [(name, error(state[name], a)) for name, a in there.state().items()]
    return max(_compare(report, f"after {STEPS} steps", *e, allowed) for e in errors)


def _graph(place: Place, net: Net, dtype: str, report: Report) -> float:
    """Return 0, or inf where a bit differs."""
    eager, captured = Training(place, net, dtype), Training(place, net, dtype)
    losses: list[list[float]] = [[], []]
    with place.active():
        for _ in range(WARMUP):
            eager.step()
        replay = place.graph(captured.step, WARMUP)
        for i in range(REPLAYS):
            if i == REPLAYS // 2:
                eager.halve()
                captured.halve()
            losses[0].append(float(eager.step().item()))
            losses[1].append(float(replay().item()))
    case = f"after {WARMUP} steps and {REPLAYS} replays"
    state = captured.state()
    worst = _compare(report, case, "losses differ", _bits(*map(np.array, losses)), 0.0)
    for name, a in eager.state().items():
        worst = max(worst, _compare(report, case, f"{name} differs", _bits(state[name], a), 0.0))
    return worst


def _bits(a: Any, b: Any) -> float:
    return 0.0 if a.tobytes() == b.tobytes() else float("inf")
