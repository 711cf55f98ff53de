"""PyTorch models with known ailments, and healthy ones; as people write them, not as minires does.

Images are (N, 1, 8, 8); sequences are their eight rows.
"""

import torch
from torch import nn
from torch.nn import functional as tf


class Basic(nn.Module):
    """torchvision's block: in-place ReLUs, a projection where the shape changes, `+=`."""

    expansion = 1

    def __init__(self, inputs, width, stride=1, scale=1.0):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample, self.scale = projection(inputs, width, stride), scale

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out)) * self.scale
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride=1, scale=1.0):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.bn3, self.relu = nn.BatchNorm2d(4 * width), nn.ReLU(inplace=True)
        self.downsample = projection(inputs, 4 * width, stride)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


def projection(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return None
    conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """torchvision's, with a stem for small images and few filters."""

    def __init__(self, block, layers, width=8, scale=1.0):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, 1, 1, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        channels, stages = width, []
        for i, n in enumerate(layers):
            for j in range(n):
                stages.append(block(channels, width * 2**i, 2 if i and not j else 1, scale))
                channels = width * 2**i * block.expansion
        self.layers = nn.Sequential(*stages)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(channels, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.layers(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Transformer(nn.Module):
    def __init__(self, layers, norm_first=True, gain=1.0):
        super().__init__()
        self.embed, self.position = nn.Linear(8, 32), nn.Parameter(torch.randn(1, 8, 32) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                32, 4, 64, 0.0, "gelu", batch_first=True, norm_first=norm_first
            )
            for _ in range(layers)
        )
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10)
        with torch.no_grad():
            for block in self.blocks:
                block.linear2.weight.mul_(gain)

    def forward(self, x):
        x = self.embed(x[:, 0]) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


class Recurrent(nn.Module):
    """One cell, called for each row: its weights are shared by all calls."""

    def __init__(self, steps=8, scale=1.0, cell=nn.RNNCell):
        super().__init__()
        self.cell, self.head, self.steps = cell(8, 32), nn.Linear(32, 10), steps
        if cell is nn.RNNCell:
            nn.init.orthogonal_(self.cell.weight_hh, scale)

    def forward(self, x):
        h = torch.zeros(len(x), 32)
        for t in range(self.steps):
            h = self.cell(x[:, 0, t % 8], h)
        return self.head(h)


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 32, 2, batch_first=True), nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.lstm(x[:, 0])[0][:, -1])


class Functional(nn.Module):
    """Everything by functions: pre-activation residual, SiLU; or ReLU and `detach`."""

    def __init__(self, blocks=8, cut=False):
        super().__init__()
        self.start, self.head, self.cut = nn.Linear(64, 64), nn.Linear(64, 10), cut
        self.a, self.b = (nn.ModuleList(nn.Linear(64, 64) for _ in range(blocks)) for _ in "ab")

    def forward(self, x):
        x = self.start(x.flatten(1))
        for a, b in zip(self.a, self.b, strict=True):
            x = x + b(tf.silu(a(tf.layer_norm(x, (64,)))))
        return self.head(x.detach() if self.cut else x)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.start, self.head = nn.Conv2d(1, 8, 3, 1, 1), nn.Linear(56, 10)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8 + 8 * i) for i in range(6))
        self.convs = nn.ModuleList(nn.Conv2d(8 + 8 * i, 8, 3, 1, 1) for i in range(6))

    def forward(self, x):
        x = self.start(x)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = torch.cat([x, conv(tf.relu(norm(x)))], 1)
        return self.head(x.mean((2, 3)))


def mlp(depth, act, init=None, norm=False):
    layers = [nn.Flatten()]
    for _ in range(depth):
        linear = nn.Linear(64, 64)
        if init is not None:
            init(linear.weight)
            nn.init.zeros_(linear.bias)
        layers += [linear, *([nn.BatchNorm1d(64)] if norm else []), act()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def vgg(depth, norm=True, init=None):
    layers, channels = [], 1
    for i in range(depth):
        filters = 8 * 2 ** (3 * i // depth)
        conv = nn.Conv2d(channels, filters, 3, 1, 1)
        if init is not None:
            init(conv.weight)
            nn.init.zeros_(conv.bias)
        layers += [conv, *([nn.BatchNorm2d(filters)] if norm else []), nn.ReLU()]
        channels = filters
    end = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)
    return nn.Sequential(*layers, *end)


def changed(net, change):
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                change(module)
    return net


he, xavier = nn.init.kaiming_normal_, nn.init.xavier_normal_
HEALTHY = {
    "ResNet-18": lambda: ResNet(Basic, [2, 2, 2, 2]),
    "ResNet-50": lambda: ResNet(Bottleneck, [3, 4, 6, 3]),
    "ResNet-20, evaluating": lambda: ResNet(Basic, [3, 3, 3]).eval(),
    "transformer": lambda: Transformer(4),
    "transformer, norms after": lambda: Transformer(4, norm_first=False),
    "RNN of 8 steps": Recurrent,
    "GRU of 8 steps": lambda: Recurrent(cell=nn.GRUCell),
    "LSTM": Lstm,
    "mlp-3 GELU": lambda: mlp(3, nn.GELU),
    "mlp-6 He": lambda: mlp(6, nn.ReLU, he),
    "mlp-5 tanh": lambda: mlp(5, nn.Tanh, xavier),
    "VGG-8 batch norm": lambda: vgg(8),
    "VGG-5 He": lambda: vgg(5, False, he),
    "functional residual": Functional,
    "DenseNet": Dense,
    "linear": lambda: mlp(0, nn.ReLU),
}
SICK = {
    "mlp-8 sigmoid": (lambda: mlp(8, nn.Sigmoid), "vanishing"),
    "mlp-16": (lambda: mlp(16, nn.ReLU), "vanishing"),
    "VGG-16": (lambda: vgg(16, False), "vanishing"),
    "mlp-100 He": (lambda: mlp(100, nn.ReLU, he), "samples alike"),
    "mlp-56 batch norm": (lambda: mlp(56, nn.ReLU, norm=True), "exploding"),
    "ResNet branches x 8": (lambda: ResNet(Basic, [2, 2, 2], scale=8.0), "branch dominates"),
    "transformer branches x 30": (lambda: Transformer(6, gain=30.0), "branch dominates"),
    "RNN of 30 steps, small": (lambda: Recurrent(30, 0.5), "vanishing"),
    "RNN of 30 steps, large": (lambda: Recurrent(30, 3.0), "exploding"),
    "mlp-3 biases - 3": (
        lambda: changed(mlp(3, nn.ReLU), lambda m: m.bias.sub_(3)), "dead ReLUs"
    ),
    "mlp-5 tanh weights x 10": (
        lambda: changed(mlp(5, nn.Tanh, xavier), lambda m: m.weight.mul_(10)), "saturated"
    ),
    "ResNet with a NaN": (
        lambda: changed(ResNet(Basic, [2, 2]), lambda m: m.weight[0].fill_(torch.nan)),
        "not finite",
    ),
    "detached": (lambda: Functional(cut=True), "cut off"),
}  # fmt: skip
