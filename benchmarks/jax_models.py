"""JAX twin of the CIFAR nets: one compiled function for the whole training step.

JAX computes in N H W C here, its faster order on a CPU, with weights R S C K. Weights are ours; the
momentum is PyTorch's rule, v ← m v + (g + λ w), w ← w - lr v. Running statistics are left out: they
do not touch a training step's loss or gradients, and cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import peers


def step_of(net: Any, x: Any, y: Any, lr: float, momentum: float, weight_decay: float) -> Any:
    """Return a function that trains the twin of our CIFAR `net` once on x (N, C, H, W), y (N,).

    It returns the loss before the step. Raises ImportError without JAX.
    """
    jax = peers.jax()
    if jax is None:
        raise ImportError("JAX is not installed")
    jnp = jax.numpy
    images, labels = jnp.asarray(np.moveaxis(x, 1, 3)), jnp.asarray(y)
    params = {k: jnp.asarray(_order(p.data)) for k, p in net.named_parameters()}
    velocity = {k: jnp.zeros_like(p) for k, p in params.items()}
    logits = _forward(jax, net)

    def loss_of(params: Any) -> Any:
        scores = jax.nn.log_softmax(logits(params, images))
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean()

    @jax.jit  # type: ignore[untyped-decorator]
    def update(params: Any, velocity: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params)
        velocity = {
            k: momentum * v + grads[k] + weight_decay * params[k] for k, v in velocity.items()
        }
        return {k: p - lr * velocity[k] for k, p in params.items()}, velocity, loss

    def step() -> float:
        nonlocal params, velocity
        params, velocity, loss = update(params, velocity)
        return float(loss)

    return step


def _order(w: Any) -> Any:
    """Return K C R S as R S C K, and anything else as it is."""
    return w.transpose(2, 3, 1, 0) if w.ndim == 4 else w


def _forward(jax: Any, net: Any) -> Callable[[Any, Any], Any]:
    """Return f(params, x) → logits, with the blocks, strides and skips of our net."""
    jnp = jax.numpy

    def conv(x: Any, w: Any, stride: int = 1) -> Any:
        return jax.lax.conv_general_dilated(
            x, w, (stride, stride), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def norm(x: Any, params: Any, name: str) -> Any:
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        x = (x - mean) * jax.lax.rsqrt(var + 1e-5)
        return x * params[f"{name}.weight"] + params[f"{name}.bias"]

    def block(x: Any, params: Any, name: str, skip: bool) -> Any:
        w = params[f"{name}.conv1.weight"]
        stride = 1 if w.shape[2] == w.shape[3] else 2
        y = jax.nn.relu(norm(conv(x, w, stride), params, f"{name}.bn1"))
        y = norm(conv(y, params[f"{name}.conv2.weight"]), params, f"{name}.bn2")
        if skip:
            more = y.shape[-1] - x.shape[-1]  # option A: zeros for the new channels
            x = x[:, ::stride, ::stride]
            y = y + jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, more)))
        return jax.nn.relu(y)

    stages = {name: list(getattr(net, name).children()) for name in ("layer1", "layer2", "layer3")}

    def forward(params: Any, x: Any) -> Any:
        x = jax.nn.relu(norm(conv(x, params["conv1.weight"]), params, "bn1"))
        for name, blocks in stages.items():
            for i, part in enumerate(blocks):
                x = block(x, params, f"{name}.{i}", bool(part.skip))
        return x.mean((1, 2)) @ params["fc.weight"].T + params["fc.bias"]

    return forward
