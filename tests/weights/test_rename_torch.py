"""Nets with other names, in PyTorch: their weights give their logits in our nets."""

import numpy as np
import pytest

import minires as mr
from minires import models
from minires.weights import rename

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
f = torch.nn.functional
pytestmark = pytest.mark.torch


def conv(inputs, channels, kernel, stride=1):
    return torch.nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False)


class Padded(torch.nn.Module):
    """A block of pytorch_resnet_cifar10: option A with zero channels on both sides of x."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, channels, 3, stride), torch.nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = conv(channels, channels, 3), torch.nn.BatchNorm2d(channels)
        self.stride, self.side = stride, (channels - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(f.relu(self.bn1(self.conv1(x)))))
        x = x[:, :, :: self.stride, :: self.stride]
        return f.relu(y + f.pad(x, (0, 0, 0, 0, self.side, self.side)))


class PaddedNet(torch.nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.conv1, self.bn1 = conv(3, width, 3), torch.nn.BatchNorm2d(width)
        inputs = width
        for stage, channels in enumerate((width, 2 * width, 4 * width), start=1):
            blocks = [Padded(inputs, channels, 2 if stage > 1 else 1)]
            blocks += [Padded(channels, channels, 1) for _ in range(n - 1)]
            setattr(self, f"layer{stage}", torch.nn.Sequential(*blocks))
            inputs = channels
        self.linear = torch.nn.Linear(inputs, 10)

    def forward(self, x):
        x = f.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Layer(torch.nn.Sequential):
    """`convolution`, `normalization`, activation, as transformers names them."""

    def __init__(self, inputs, channels, kernel, stride=1, act=True):
        super().__init__()
        self.convolution = conv(inputs, channels, kernel, stride)
        self.normalization = torch.nn.BatchNorm2d(channels)
        self.activation = torch.nn.ReLU() if act else torch.nn.Identity()


class Unit(torch.nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        changes = stride != 1 or inputs != channels
        self.shortcut = Layer(inputs, channels, 1, stride, act=False) if changes else None
        inner = channels // 4
        self.layer = torch.nn.Sequential(
            Layer(inputs, inner, 1),
            Layer(inner, inner, 3, stride),
            Layer(inner, channels, 1, 1, False),
        )

    def forward(self, x):
        return f.relu(self.layer(x) + (x if self.shortcut is None else self.shortcut(x)))


def hugging_face(width, blocks):
    """ResNet of bottlenecks, with the names of transformers' ResNetForImageClassification."""
    net = torch.nn.Module()
    net.resnet, net.resnet.embedder, net.resnet.encoder = (torch.nn.Module() for _ in range(3))
    net.resnet.embedder.embedder = Layer(3, width, 7, 2)
    net.resnet.encoder.stages = torch.nn.ModuleList()
    inputs = width
    for stage, count in enumerate(blocks):
        part, channels = torch.nn.Module(), 4 * width * 2**stage
        units = [Unit(inputs, channels, 2 if stage else 1)]
        units += [Unit(channels, channels, 1) for _ in range(count - 1)]
        part.layers, inputs = torch.nn.Sequential(*units), channels
        net.resnet.encoder.stages.append(part)
    net.classifier = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(inputs, 7))

    def forward(x):
        x = f.max_pool2d(net.resnet.embedder.embedder(x), 3, 2, 1)
        for stage in net.resnet.encoder.stages:
            x = stage.layers(x)
        return net.classifier(f.adaptive_avg_pool2d(x, 1))

    return net, forward


def moved(net):
    """Give batch norms parameters and statistics of their own, so that each of them counts."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values in (module.weight.data, module.running_var):
                values.uniform_(0.5, 1.5)
            for values in (module.bias.data, module.running_mean):
                values.normal_(std=0.3)
    return net.double().eval()


def state_of(net):
    return {name: value.numpy() for name, value in net.state_dict().items()}


def relative(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def test_option_a_with_zeros_on_both_sides():
    torch.manual_seed(0)
    twin, x = moved(PaddedNet(3, 8)), torch.randn(4, 3, 16, 16, dtype=torch.float64)
    expected = twin(x).detach().numpy()
    state = state_of(twin)
    net = models.resnet(20, width=8).double().eval()
    net.load_state_dict(rename.for_net(net.state_dict(), state))
    with mr.no_grad():
        assert relative(net(mr.tensor(x.numpy())).data, expected) < 1e-12
    # the same names without the channels' order: other logits
    net.load_state_dict(rename.to_ours(state, "kuangliu"))
    with mr.no_grad():
        assert relative(net(mr.tensor(x.numpy())).data, expected) > 1e-2
    back = rename.from_ours(models.resnet(20, width=8, seed=1).double().state_dict(), "akamaster")
    twin.load_state_dict({name: torch.from_numpy(value) for name, value in back.items()})
    ours = models.resnet(20, width=8, seed=1).double().eval()
    with mr.no_grad():
        found = twin.eval()(x).detach().numpy()
        assert relative(ours(mr.tensor(x.numpy())).data, found) < 1e-12


def test_hugging_faces_resnet50():
    torch.manual_seed(0)
    twin, forward = hugging_face(4, (3, 4, 6, 3))
    moved(twin)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    net = models.resnet50(width=4, num_classes=7).double().eval()
    state = state_of(twin)
    ours = rename.for_net(net.state_dict(), state)
    for prefix in ("", "module."):  # and with the names of ResNetModel, without `resnet.`
        others = {prefix + name.removeprefix("resnet."): value for name, value in state.items()}
        assert list(rename.for_net(net.state_dict(), others)) == list(ours)
    net.load_state_dict(ours)
    with mr.no_grad():
        assert relative(net(mr.tensor(x.numpy())).data, forward(x).detach().numpy()) < 1e-12
