"""PyTorch's training step on the same GPU: eager and as a CUDA graph, with TF32 off and on.

Each twin starts from our net's weights and trains on the same batch. PyTorch is at its best here:
`cudnn.benchmark` chooses the fastest convolutions, and its SGD is the fused one. What "tf32" says
of convolutions and products is looked at, not only asked for: see `rounding`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import peers, torch_models
from ..nets import SGD, Net

WARMUP = 3  # steps on a side stream before a capture
BETWEEN = 5e-5  # `rounding` is below it in float32 and above it in TF32
ORDERS = ("NCHW", "channels_last")


@dataclass(frozen=True)
class TorchArm:
    """One way to run the step. `captured`: as a CUDA graph."""

    order: str
    tf32: bool
    captured: bool

    @property
    def name(self) -> str:
        """ "PyTorch graph channels_last tf32", …"""
        how, precision = "graph" if self.captured else "eager", "tf32" if self.tf32 else "fp32"
        return f"PyTorch {how} {self.order} {precision}"


ARMS = tuple(
    TorchArm(order, tf32, captured)
    for captured in (False, True)
    for order in ORDERS
    for tf32 in (False, True)
)


def available(device: str) -> tuple[Any, str]:
    """Return (torch, "") or (None, why not)."""
    torch = peers.torch()
    if torch is None:
        return None, "PyTorch is not installed; pip install torch"
    if device == "cuda" and not torch.cuda.is_available():
        return None, f"PyTorch {torch.__version__} finds no GPU; pip install a build with CUDA"
    return torch, ""


@contextlib.contextmanager
def settings(torch: Any) -> Iterator[None]:
    """Let cuDNN choose the fastest convolutions within the block; put all flags back after it."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32
    cudnn.benchmark = True
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = before


def allow_tf32(torch: Any, allowed: bool) -> None:
    """Let convolutions and products use TF32, or not."""
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def rounding(torch: Any, device: str, tf32: bool) -> float:
    """Return the relative error of a convolution: about 3e-7 in float32, 3e-4 in TF32."""
    allow_tf32(torch, tf32)
    rng = np.random.default_rng(0)
    x, w = (torch.from_numpy(rng.standard_normal(s)) for s in ((32, 16, 32, 32), (16, 16, 3, 3)))
    exact = torch.nn.functional.conv2d(x, w, padding=1)
    y = torch.nn.functional.conv2d(x.float().to(device), w.float().to(device), padding=1)
    return float((y.double().cpu() - exact).abs().max() / exact.abs().max())


class Twin:
    """A net in training in PyTorch."""

    def __init__(self, torch: Any, net: Net, device: str, arm: TorchArm) -> None:
        self.torch, self.device, self.arm = torch, device, arm
        x, y = net.data()
        layout = torch.channels_last if arm.order == "channels_last" else torch.contiguous_format
        self.x = torch.from_numpy(x).to(device).contiguous(memory_format=layout)
        self.y = torch.from_numpy(y).to(device)
        twin = torch_models.build(net.build(), net.kind)
        self.net = twin.to(device=device, memory_format=layout)
        self.sgd = torch.optim.SGD(self.net.parameters(), **SGD, fused=True)

    def forward_backward(self) -> Any:
        """Compute the loss and the gradients."""
        loss = self.torch.nn.functional.cross_entropy(self.net(self.x), self.y)
        loss.backward()
        return loss.detach()

    def step(self) -> Any:
        """Train once; return the loss, which is not waited for."""
        self.sgd.zero_grad(set_to_none=True)
        loss = self.forward_backward()
        self.sgd.step()
        return loss

    def capture(self) -> Callable[[], Any]:
        """Return the replay of a captured step.

        As PyTorch's documentation asks: some steps on a side stream before, and no gradients when
        the capture begins, so that they live in the graph's own memory.
        """
        cuda = self.torch.cuda
        side = cuda.Stream()
        side.wait_stream(cuda.current_stream())
        with cuda.stream(side):
            for _ in range(WARMUP):
                self.step()
        cuda.current_stream().wait_stream(side)
        graph = cuda.CUDAGraph()
        self.sgd.zero_grad(set_to_none=True)
        with cuda.graph(graph):
            loss = self.forward_backward()
            self.sgd.step()

        def replay() -> Any:
            graph.replay()
            return loss

        return replay

    def synchronize(self) -> None:
        """Wait until all work is done."""
        if self.device == "cuda":
            self.torch.cuda.synchronize()
