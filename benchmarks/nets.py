"""The nets whose training step is timed: ours through the public API, and PyTorch's twins.

name            net                                   batch
resnet20        CIFAR ResNet-20, 32 pixels            128
plain20         its plain twin                        128
resnet56        CIFAR ResNet-56                       128
resnet18-64     ResNet-18 at 64 pixels                8
resnet18-224    ResNet-18 at 224 pixels               8
mlp             residual stack of 54 64 → 64 layers   128
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minires.functional as F
from minires import Tensor, models, no_grad, optim
from minires.replay import Replay

from . import jax_models, peers, torch_models

SGD: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}  # the paper's
CONTENDERS = ("minires", *(f"PyTorch {order}" for order in peers.TORCH_ORDERS))
COMPILED = ("PyTorch compiled", "JAX")  # what compiles the whole step beforehand


@dataclass(frozen=True)
class Net:
    """A net and the batch it gets; `kind` is for `torch_models.build`."""

    kind: str
    batch: int
    shape: tuple[int, ...]
    classes: int
    model: str
    options: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()

    def has(self) -> bool:
        """Return whether `minires.models` has this net."""
        return hasattr(models, self.model)

    def build(self) -> Any:
        """Return our net, seeded; raises LookupError if `minires.models` does not have it."""
        make = getattr(models, self.model, None)
        if make is None:
            raise LookupError(f"minires.models has no {self.model}")
        return make(*self.options, num_classes=self.classes, seed=0, **dict(self.named))

    def data(self, batch: int | None = None) -> tuple[Any, Any]:
        """Return random images and labels of one batch, always the same."""
        rng, n = np.random.default_rng(0), batch or self.batch
        x = rng.standard_normal((n, *self.shape), dtype=np.float32)
        return x, rng.integers(0, self.classes, n)


NETS = {
    "resnet20": Net("cifar", 128, (3, 32, 32), 10, "resnet20"),
    "plain20": Net("cifar", 128, (3, 32, 32), 10, "plain20"),
    "resnet56": Net("cifar", 128, (3, 32, 32), 10, "resnet56"),
    "resnet18-64": Net("imagenet", 8, (3, 64, 64), 1000, "resnet18"),
    "resnet18-224": Net("imagenet", 8, (3, 224, 224), 1000, "resnet18"),
    "mlp": Net(
        "mlp", 128, (64,), 10, "mlp_stack", (54, 64), (("skip", "identity"), ("norm", "bn"))
    ),
}


@dataclass(frozen=True)
class Runner:
    """`step()` trains on the batch once and returns the loss; `evaluate()` returns the logits."""

    step: Callable[[], float]
    evaluate: Callable[[], Any]
    train: Callable[[bool], Any]  # True: training mode, False: evaluation mode


def ours(name: str, batch: int | None = None, replay: bool = False) -> Runner:
    """Build our net; images come in NumPy's own order, N C H W, as a user's would."""
    net = NETS[name].build()
    forward = Replay(net) if replay else net
    x, y = NETS[name].data(batch)
    sgd = optim.SGD(net.parameters(), **SGD)

    def step() -> float:
        loss = F.cross_entropy(forward(Tensor(x)), y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return float(loss.item())

    def evaluate() -> Any:
        with no_grad():
            return net(Tensor(x)).data

    return Runner(step, evaluate, lambda on: net.train(on))


def theirs(name: str, order: str, batch: int | None = None) -> Runner | None:
    """Build PyTorch's twin with our initial weights; None without PyTorch.

    Eager mode and the default SGD. In channels_last the images are converted beforehand; so they
    are for "compiled", where `torch.compile` makes one function of forward and one of backward.
    """
    torch = peers.torch()
    if torch is None:
        return None
    net = NETS[name].build()
    x, y = map(torch.from_numpy, NETS[name].data(batch))
    twin = torch_models.build(net, NETS[name].kind)
    if order != "NCHW":
        twin = twin.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
    sgd = torch.optim.SGD(twin.parameters(), **SGD)
    if order == "compiled":
        twin = torch.compile(twin)

    def step() -> float:
        loss = torch.nn.functional.cross_entropy(twin(x), y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return float(loss.item())

    def evaluate() -> Any:
        with torch.no_grad():
            return twin(x).numpy()

    return Runner(step, evaluate, lambda on: twin.train(on))


def in_jax(name: str, batch: int | None = None) -> Runner | None:
    """Build JAX's twin of a CIFAR net, for training steps; None for other nets, or without JAX."""
    if peers.jax() is None or NETS[name].kind != "cifar":
        return None
    net, (x, y) = NETS[name].build(), NETS[name].data(batch)
    step = jax_models.step_of(net, x, y, **SGD)

    def evaluate() -> Any:
        raise NotImplementedError("JAX's twin is built for training steps alone")

    return Runner(step, evaluate, lambda on: None)


def runner(name: str, contender: str, batch: int | None = None) -> Runner | None:
    """Build one of CONTENDERS; None if its library is not installed."""
    if contender == "minires":
        return ours(name, batch)
    if contender == "JAX":
        return in_jax(name, batch)
    return theirs(name, contender.removeprefix("PyTorch "), batch)


def runners(name: str, batch: int | None = None, compiled: bool = False) -> dict[str, Runner]:
    """Build all contenders that are installed.

    An MLP has no memory orders to choose from, and is small enough to be worth a `Replay`.
    """
    found = {c: runner(name, c, batch) for c in CONTENDERS + COMPILED * compiled}
    if NETS[name].kind == "mlp":
        found.pop("PyTorch channels_last")
        found["minires replayed"] = ours(name, batch, replay=True)
    return {c: r for c, r in found.items() if r is not None}


def disagreement(name: str, batch: int | None = None) -> float | None:
    """Return the largest relative difference of the first loss, ours and the twin's.

    None without PyTorch. It shows that the twins are twins: 1e-7 to 1e-5 is float32's rounding.
    """
    theirs_ = theirs(name, "NCHW", batch)
    if theirs_ is None:
        return None
    loss = theirs_.step()
    return abs(ours(name, batch).step() - loss) / max(abs(loss), math.ulp(1.0))
