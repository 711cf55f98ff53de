"""Nets for `benchmarks.diagnosis`: healthy and sick ones that no threshold was calibrated on first.

A net is sick by what was done to it, or by what is known of it from the sources that the rules
name; one that is healthy may have been trained for some steps. Width, depth, seed, activation and
batch are others than those of tests/experiments. The nets of `BORDER` were trained for 400 steps
on digits with three rates to see what they are: the lowest training error is noted beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minires as mr
from minires import data, models, nn, optim
from minires.train import loop

Batch = tuple[Any, Any]
SAMPLES = 160


@dataclass(frozen=True)
class Case:
    """One net with its batch; `ailments` are those of which one must be found, none if healthy."""

    name: str
    make: Callable[[int], nn.Module]
    ailments: tuple[str, ...] = ()
    batch: str = "digits"
    steps: int = 0
    rate: float = 0.02
    measured_rate: float | None = None
    factor: float = 1.0


def batch(case: Case, seed: int) -> Batch:
    """Return the batch that a case is measured on."""
    images = case.name.startswith("conv")
    rng = np.random.default_rng(7000 + seed)
    if case.batch == "random":
        x = rng.standard_normal((SAMPLES, 1, 8, 8)).astype(np.float32)
        y = rng.integers(0, 10, SAMPLES)
    elif case.batch == "synthetic":
        x, y = data.synthetic_images(SAMPLES, seed=seed)
    else:
        digits = data.load_digits()
        chosen = rng.choice(len(digits.x_train), SAMPLES, replace=False)
        x, y = digits.x_train[chosen], digits.y_train[chosen]
    x = np.asarray(x, np.float32) * np.float32(case.factor)
    return (x if images else x.reshape(len(x), -1)), y


def trained(case: Case, seed: int) -> tuple[nn.Module, Batch]:
    """Return the net of a case, after its steps, and its batch."""
    mr.manual_seed(seed)
    net, (x, y) = case.make(seed), batch(case, seed)
    sgd = optim.SGD(net.parameters(), lr=case.rate, momentum=0.9)
    with np.errstate(all="ignore"):
        for _ in loop.train(net, sgd, [(x, y)] * case.steps):
            pass
    return net, (x, y)


def mlp(depth: int, width: int, skip: str = "none", norm: str = "none", **named: Any) -> Any:
    features = {"in_features": 64, "skip": skip, "norm": norm}
    return lambda seed: models.mlp_stack(depth, width, seed=seed, **features, **named)


def conv(depth: int, width: int, **named: Any) -> Any:
    return lambda seed: models.resnet(depth, width=width, in_channels=1, seed=seed, **named)


def scaled(make: Any, weights: float = 1.0, bias: float = 0.0, branch: float = 1.0) -> Any:
    """Multiply all weights, shift all biases, or multiply what ends each residual branch."""

    def made(seed: int) -> nn.Module:
        net: nn.Module = make(seed)
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.weight.update_(module.weight.data * np.float32(weights))
                if module.bias is not None:
                    module.bias.update_(module.bias.data + np.float32(bias))
            last = getattr(module, "norm2", None) or getattr(module, "bn2", None)
            if branch != 1 and isinstance(last, nn.BatchNorm1d | nn.BatchNorm2d):
                last.weight.update_(last.weight.data * np.float32(branch))
        return net

    return made


def constant(make: Any, value: float) -> Any:
    def made(seed: int) -> nn.Module:
        net: nn.Module = make(seed)
        for module in net.modules():
            if isinstance(module, nn.Linear):
                module.weight.update_(np.full_like(module.weight.data, value))
        return net

    return made


class Detached(nn.Module):
    """A net whose first half gets no gradient."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        mr.manual_seed(seed)
        self.front = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.back = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10))

    def forward(self, x: Any) -> Any:
        return self.back(self.front(x).detach())


HEALTHY = [
    Case("mlp-3", mlp(3, 48)),
    Case("mlp-6 leaky ReLU", mlp(6, 96, activation="leaky_relu"), batch="random"),
    Case("mlp-10", mlp(10, 192), batch="random"),
    Case("mlp-6 GELU", mlp(6, 64, activation="gelu")),
    Case("mlp-6 SiLU Xavier", mlp(6, 96, activation="silu", init="xavier")),
    Case("mlp-3 sigmoid Xavier", mlp(3, 64, activation="sigmoid", init="xavier")),
    Case("mlp-6 tanh, PyTorch's init", mlp(6, 96, activation="tanh", init="default")),
    Case("mlp-5, PyTorch's init", mlp(5, 256, init="default")),
    Case("mlp-14 batch norm", mlp(14, 64, norm="bn")),
    Case("mlp-30 preact layer norm GELU", mlp(30, 64, "preact", "ln", activation="gelu")),
    Case("mlp-36 residual batch norm", mlp(36, 48, "identity", "bn"), batch="random"),
    Case("mlp-72 preact batch norm", mlp(72, 96, "preact", "bn")),
    Case("mlp-40 preact 1/sqrt(blocks)", mlp(40, 96, "preact", branch_scale="1/sqrt(blocks)")),
    Case("mlp-36 zero-gamma", mlp(36, 48, "identity", "bn", branch_scale="zero-gamma")),
    Case("mlp-40 preact skipinit", mlp(40, 64, "preact", branch_scale="skipinit")),
    Case("mlp-30 tanh orthogonal", mlp(30, 96, activation="tanh", init="orthogonal")),
    Case("mlp-12 layer norm", mlp(12, 96, norm="ln")),
    Case("mlp-30 residual, PyTorch's init", mlp(30, 64, "identity", init="default")),
    Case("mlp-8 synthetic", mlp(8, 64), batch="synthetic"),
    Case("mlp-10 trained", mlp(10, 64), steps=100),
    Case("mlp-20 residual batch norm trained", mlp(20, 48, "identity", "bn"), steps=100),
    Case("mlp-4 tanh trained", mlp(4, 64, activation="tanh", init="xavier"), steps=150),
    Case("conv-8 plain", conv(8, 6, skip=False), batch="synthetic"),
    Case("conv-14 residual", conv(14, 6), batch="random"),
    Case("conv-26 residual", conv(26, 6)),
    Case("conv-32 preact", conv(32, 6, order="preact")),
    Case("conv-14 layer norm", conv(14, 6, norm="ln")),
    Case("conv-14 residual trained", conv(14, 6), steps=60),
    Case("conv-20 plain trained", conv(20, 6, skip=False), steps=60),
]
VANISHING, EXPLODING, ALIKE = ("vanishing",), ("exploding",), ("samples alike",)
GROWS = ("signal grows", "exploding")
UNSEEN = "mlp-6 one weight for all"  # no rule looks at whether units are alike
SICK = [
    Case("mlp-12 sigmoid Xavier", mlp(12, 96, activation="sigmoid", init="xavier"), VANISHING),
    Case("mlp-5 sigmoid", mlp(5, 96, activation="sigmoid", init="default"), VANISHING, "random"),
    Case("mlp-12, PyTorch's init", mlp(12, 96, init="default"), VANISHING),
    Case("mlp-36 Xavier", mlp(36, 64, init="xavier"), ("vanishing", "signal fades")),
    Case("mlp-24 GELU, PyTorch's init", mlp(24, 96, activation="gelu", init="default"), VANISHING),
    Case("mlp-40 tanh, PyTorch's init", mlp(40, 64, activation="tanh", init="default"), VANISHING),
    Case("mlp-30 SiLU Xavier", mlp(30, 64, activation="silu", init="xavier"), VANISHING, "random"),
    Case("mlp-120", mlp(120, 64), ALIKE),
    Case("mlp-150 leaky ReLU", mlp(150, 96, activation="leaky_relu"), ALIKE, "random"),
    Case("mlp-60 batch norm", mlp(60, 64, norm="bn"), EXPLODING),
    Case("mlp-72 batch norm leaky", mlp(72, 48, norm="bn", activation="leaky_relu"), EXPLODING),
    Case("mlp-30 residual", mlp(30, 96, "identity"), GROWS),
    Case("mlp-60 preact", mlp(60, 64, "preact"), GROWS, "random"),
    Case("mlp-36 residual leaky", mlp(36, 64, "identity", activation="leaky_relu"), GROWS),
    Case("mlp-6 tanh x 20", scaled(mlp(6, 64, activation="tanh", init="xavier"), 20),
         ("saturated",)),
    Case("mlp-3 sigmoid x 40", scaled(mlp(3, 96, activation="sigmoid", init="xavier"), 40),
         ("saturated",)),
    Case("mlp-5 biases - 5", scaled(mlp(5, 96), bias=-5), ("dead ReLUs", "vanishing")),
    Case("mlp-6 killed by large steps", mlp(6, 64), ("dead ReLUs", "not finite"), steps=12, rate=3),
    Case("mlp-24 residual loud branches", scaled(mlp(24, 48, "identity", "bn"), branch=12),
         ("branch dominates",)),
    Case("conv-14 residual loud branches", scaled(conv(14, 6), branch=12), ("branch dominates",)),
    Case("mlp-4 pixels of 0 to 255", mlp(4, 64), ("signal large",), factor=255),
    Case("mlp-20 weights x 2", scaled(mlp(20, 64), 2), ("signal grows", "exploding")),
    Case("mlp-24 weights / 2", scaled(mlp(24, 64), 0.5), ("signal fades", "vanishing")),
    Case(UNSEEN, constant(mlp(6, 64), 1 / 64), ALIKE),
    Case("mlp-4 first half detached", Detached, ("cut off",)),
    Case("mlp-30 weights x 1000", scaled(mlp(30, 64), 1000), ("not finite",)),
    Case("mlp-4 rate 30", mlp(4, 64), ("steps too large",), measured_rate=30.0),
    Case("mlp-4 rate 1e-9", mlp(4, 64), ("steps too small",), measured_rate=1e-9),
    Case("conv-26 no norm", conv(26, 6, skip=False, norm="none", init="default"), VANISHING),
    Case("conv-62 plain", conv(62, 6, skip=False), EXPLODING),
    Case("conv-44 residual no norm", conv(44, 6, norm="none"), GROWS, "random"),
]  # fmt: skip
BORDER = [
    Case("mlp-8 SiLU Xavier", mlp(8, 64, activation="silu", init="xavier")),  # 1.7 %
    Case("mlp-9 tanh, PyTorch's init", mlp(9, 64, activation="tanh", init="default")),  # 3.1 %
    Case("mlp-12 residual", mlp(12, 64, "identity")),  # 0.0 %
    Case("mlp-12 preact", mlp(12, 64, "preact")),  # 0.0 %
    Case("mlp-30", mlp(30, 64), ALIKE),  # 42 %
    Case("mlp-4 sigmoid Xavier", mlp(4, 64, activation="sigmoid", init="xavier"), ALIKE),  # 70 %
    Case("mlp-13 tanh, PyTorch's init", mlp(13, 64, activation="tanh", init="default"),
         VANISHING),  # 75 %
    Case("mlp-24 Xavier", mlp(24, 64, init="xavier"), VANISHING),  # 89 %
    Case("mlp-18 residual", mlp(18, 64, "identity"), GROWS),  # diverges; 1.6 % at a rate of 0.001
]  # fmt: skip
