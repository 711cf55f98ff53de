"""Training steps side by side: forward, loss, backward, SGD with momentum and weight decay.

ours      eager and as a CUDA graph (`minires.cuda.graph`), in float32 and with `allow_tf32`
PyTorch   pytorch.py: eager and graph, two memory orders, TF32 off and on

All contenders are built first and then take turns in one process (timing.interleave). A turn is one
untimed and one timed batch of steps, each between two waits for the GPU; a figure is the median
over turns of seconds per step. Batch and labels lie on the GPU, and no loss is looked at meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import minires.functional as F
from minires import Tensor, cuda, optim, use_backend

from .. import timing
from ..nets import SGD, Net
from ..timing import Row
from . import pytorch
from .checks import require_alive
from .place import Place
from .plan import Plan

OURS = tuple(
    (f"minires {how} {'tf32' if tf32 else 'fp32'}", how == "graph", tf32)
    for how in ("eager", "graph")
    for tf32 in (False, True)
)
GOALS_NET = "ResNet-20"


@dataclass
class Arm:
    """A contender: `turn(n)` runs n steps and waits; `loss()` is the last one."""

    turn: Callable[[int], None]
    loss: Callable[[], float]
    first_loss: float


def our_step(place: Place, net: Net) -> Callable[[], Tensor]:
    """Return the training step of a net on a place, through the public API."""
    module = place.move(net.build())
    x, y = (place.put(a) for a in net.data())
    images = Tensor(x)
    sgd = optim.SGD(module.parameters(), **SGD)

    def step() -> Tensor:
        loss = F.cross_entropy(module(images), y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss

    return step


def ours(place: Place, net: Net, captured: bool, tf32: bool) -> Arm:
    """Build one of our contenders."""
    with place.active(), cuda.allow_tf32(tf32):
        step = our_step(place, net)
        last = [step()]
        first = float(last[0].item())
        run = place.graph(step) if captured else step

    def turn(n: int) -> None:
        with place.active(), cuda.allow_tf32(tf32):
            for _ in range(n):
                last[0] = run()
        place.synchronize()

    return Arm(turn, lambda: float(last[0].item()), first)


def theirs(torch: Any, device: str, net: Net, arm: pytorch.TorchArm) -> Arm:
    """Build one of PyTorch's."""
    pytorch.allow_tf32(torch, arm.tf32)
    twin = pytorch.Twin(torch, net, device, arm)
    last = [twin.step()]
    first = float(last[0].item())
    run = twin.capture() if arm.captured else twin.step

    def turn(n: int) -> None:
        pytorch.allow_tf32(torch, arm.tf32)
        for _ in range(n):
            last[0] = run()
        twin.synchronize()

    return Arm(turn, lambda: float(last[0].item()), first)


def expected_loss(net: Net) -> float:
    """Return the first loss on the CPU, which every contender's is compared with."""
    with use_backend("cpu"):
        x, y = net.data()
        return float(F.cross_entropy(net.build()(Tensor(x)), y).item())


def build(place: Place, net: Net, torch: Any) -> tuple[dict[str, Arm], list[Row]]:
    """Build all contenders; return those that work, and a row for each that does not."""
    makers: dict[str, Callable[[], Arm]] = {}
    for name, captured, tf32 in OURS:
        if place.tensor_cores or not tf32:
            makers[name] = lambda c=captured, t=tf32: ours(place, net, c, t)  # type: ignore[misc]
    device = "cuda" if place.measured else "cpu"
    for arm in pytorch.ARMS if torch is not None else ():
        if place.measured or not arm.captured:  # a graph needs a GPU
            makers[arm.name] = lambda a=arm: theirs(torch, device, net, a)  # type: ignore[misc]
    arms: dict[str, Arm] = {}
    failed: list[Row] = []
    for name, make in makers.items():
        try:
            arms[name] = make()
        except Exception as problem:
            told = f"{type(problem).__name__}: {str(problem).strip().partition(chr(10))[0]}"
            failed.append({"contender": name, "problem": told})
            timing.note(f"step: {name} is left out: {told}")
            require_alive(place, f"{name}: {told}")
    return arms, failed


def measure(place: Place, plan: Plan, label: str, net: Net, torch: Any) -> list[Row]:
    """Return a row per contender; one that could not be built has a "problem"."""
    arms, failed = build(place, net, torch)
    n = plan.turn
    times = timing.interleave(
        {name: (lambda turn=arm.turn: turn(n)) for name, arm in arms.items()},  # type: ignore[misc]
        plan.rounds,
        turn_s=0,
        pause_s=0,
        wake_s=1e-3 if place.measured else 0,
    )
    exact = expected_loss(net)
    rows: list[Row] = []
    for name, t in times.items():
        low, high = t.quartiles
        loss = arms[name].loss()
        rows.append(
            {
                "net": label,
                "batch": net.batch,
                "contender": name,
                "ms": t.median / n * 1e3,
                "q1": low / n * 1e3,
                "q3": high / n * 1e3,
                "least": min(t.wall) / n * 1e3,
                "turns": len(t.wall),
                "first loss": abs(arms[name].first_loss - exact) / abs(exact),
                "last loss": loss,
            }
        )
        if not math.isfinite(loss):
            rows[-1]["problem"] = "the loss is no longer finite"
    base = {"net": label, "batch": net.batch}
    return rows + [base | row for row in failed]


def ratios(rows: Sequence[Row]) -> list[Row]:
    """Return a row per contender of PyTorch: our times over its own; below 1 we are faster."""
    found: list[Row] = []
    for label in dict.fromkeys(row["net"] for row in rows):
        times = medians(rows, label)
        mine = [name for name in times if name.startswith("minires")]
        for peer in [name for name in times if not name.startswith("minires")]:
            over = {name: times[name] / times[peer] for name in mine}
            found.append({"net": label, "over": peer, **over})
    return found


def medians(rows: Sequence[Row], label: str) -> dict[str, float]:
    """Return the median milliseconds of each contender of a net that was timed."""
    return {row["contender"]: row["ms"] for row in rows if row["net"] == label and "ms" in row}


def goals(rows: Sequence[Row]) -> list[Row]:
    """Return the goals of ResNet-20 at batch 128, and whether the figures reach them."""
    times = medians(rows, GOALS_NET)

    def ours_in(name: str) -> float | None:
        return times.get(f"minires graph {name}")

    def peer(how: str, precision: str) -> float | None:
        names = [f"PyTorch {how} {order} {precision}" for order in pytorch.ORDERS]
        return min((times[name] for name in names if name in times), default=None)

    def over(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a / b

    single, tensor = ours_in("fp32"), ours_in("tf32")
    table: tuple[tuple[str, str, float | None, float], ...] = (
        ("must", "graph fp32 / PyTorch eager fp32", over(single, peer("eager", "fp32")), 1.0),
        ("strong", "graph fp32, ms", single, 1.5),
        ("strong", "graph fp32 / PyTorch graph fp32", over(single, peer("graph", "fp32")), 1.3),
        ("stretch", "graph tf32, ms", tensor, 0.8),
        ("stretch", "graph tf32 / PyTorch graph tf32", over(tensor, peer("graph", "tf32")), 2.0),
    )
    return [
        {
            "goal": level,
            "what": what,
            "at most": most,
            "measured": value,
            "met": "not measured" if value is None else "yes" if value <= most else "no",
        }
        for level, what, value, most in table
    ]
