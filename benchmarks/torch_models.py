"""PyTorch twins of the nets in `minires.models`, with the same names of parameters.

Each net's `load_state_dict` takes ours, so that both can start from equal weights and be seen to
compute the same loss. Written out here because torchvision need not be installed.
"""

from __future__ import annotations

from typing import Any

from . import peers


def build(net: Any, kind: str) -> Any:
    """Return the PyTorch twin of our `net` with its weights; kind "cifar", "imagenet" or "mlp".

    Raises ImportError without PyTorch, and RuntimeError if the parameters differ.
    """
    torch = peers.torch()
    if torch is None:
        raise ImportError("PyTorch is not installed")
    twin = {"cifar": _cifar, "imagenet": _imagenet, "mlp": _mlp}[kind](torch, net)
    state = {name: torch.from_numpy(value.copy()) for name, value in net.state_dict().items()}
    twin.load_state_dict(state)
    return twin


def _block(torch: Any, inputs: int, channels: int, stride: int, skip: bool, project: bool) -> Any:
    """Two 3×3 convolutions; the shortcut is a projection, or zero-padding (option A)."""
    nn, f = torch.nn, torch.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(channels)
            self.changes = stride != 1 or inputs != channels
            if skip and project and self.changes:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
                )

        def shortcut(self, x: Any) -> Any:
            if not self.changes:
                return x
            if project:
                return self.downsample(x)
            return f.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, channels - inputs))

        def forward(self, x: Any) -> Any:
            y = f.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            return f.relu(y + self.shortcut(x) if skip else y)

    return Block()


def _stages(torch: Any, net: Any, plan: list[tuple[int, int, int]], **kind: bool) -> int:
    """Add layer1, layer2, … of (blocks, channels, stride) to `net`; return the last channels."""
    inputs = plan[0][1]
    for i, (blocks, channels, stride) in enumerate(plan, start=1):
        layer = [_block(torch, inputs, channels, stride, **kind)]
        layer += [_block(torch, channels, channels, 1, **kind) for _ in range(blocks - 1)]
        setattr(net, f"layer{i}", torch.nn.Sequential(*layer))
        inputs = channels
    return inputs


def _cifar(torch: Any, net: Any) -> Any:
    """He et al. 2015, §4.2: 6n+2 layers; the sizes are read off our net."""
    nn, f = torch.nn, torch.nn.functional
    width, channels = net.conv1.weight.shape[:2]
    n, skip = len(list(net.layer1.children())), bool(next(net.layer1.children()).skip)

    class CifarResNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            plan = [(n, width, 1), (n, 2 * width, 2), (n, 4 * width, 2)]
            last = _stages(torch, self, plan, skip=skip, project=False)
            self.fc = nn.Linear(last, net.fc.weight.shape[0])

        def forward(self, x: Any) -> Any:
            x = f.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.fc(f.adaptive_avg_pool2d(x, 1).flatten(1))

    return CifarResNet()


def _imagenet(torch: Any, net: Any) -> Any:
    """ResNet-18 as in torchvision: 7×7 stem, max pool, projections where the shape changes."""
    nn, f = torch.nn, torch.nn.functional

    class ResNet18(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            plan = [(2, 64, 1), (2, 128, 2), (2, 256, 2), (2, 512, 2)]
            last = _stages(torch, self, plan, skip=True, project=True)
            self.fc = nn.Linear(last, net.fc.weight.shape[0])

        def forward(self, x: Any) -> Any:
            x = f.max_pool2d(f.relu(self.bn1(self.conv1(x))), 3, 2, 1)
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(f.adaptive_avg_pool2d(x, 1).flatten(1))

    return ResNet18()


def _mlp(torch: Any, net: Any) -> Any:
    """A residual stack of width → width layers with batch norm, as `mlp_stack` builds it."""
    nn, f = torch.nn, torch.nn.functional
    classes, width = net.head.weight.shape
    stem = net.state_dict().get("stem.0.weight")  # there is none if features == width

    class MLPBlock(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.linear1, self.linear2 = (nn.Linear(width, width, bias=False) for _ in range(2))
            self.norm1, self.norm2 = nn.BatchNorm1d(width), nn.BatchNorm1d(width)

        def forward(self, x: Any) -> Any:
            y = f.relu(self.norm1(self.linear1(x)))
            return f.relu(self.norm2(self.linear2(y)) + x)

    class MLPStack(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            layers = [] if stem is None else [nn.Linear(stem.shape[1], width, bias=False)]
            layers += [] if stem is None else [nn.BatchNorm1d(width), nn.ReLU()]
            self.stem = nn.Sequential(*layers)
            self.body = nn.Sequential(*(MLPBlock() for _ in range(len(list(net.body.children())))))
            self.head = nn.Linear(width, classes)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(self.stem(x)))

    return MLPStack()
