"""The nets of the family in PyTorch, written from the papers' formulas with torchvision's names."""

import torch
from family import Found, images_for, labels_for, state_for
from torch import nn
from torch.nn import functional as f

STAGES = {  # He et al. 2015, Table 1: layers of a block, blocks of each stage
    18: (2, (2, 2, 2, 2)),
    34: (2, (3, 4, 6, 3)),
    50: (3, (3, 4, 6, 3)),
    101: (3, (3, 4, 23, 3)),
    152: (3, (3, 8, 36, 3)),
}


def conv(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


class Shortcut(nn.Module):
    """Option A: every stride-th pixel, zero channels behind."""

    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride]
        return f.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


class Block(nn.Module):
    """`layers` are (inputs, outputs, kernel, stride, groups); `order` as in 2016, Figure 4."""

    def __init__(self, layers, stride, order, skip, shortcut, scale):
        super().__init__()
        self.count, self.order, self.skip, self.scale = len(layers), order, skip, scale
        inputs, outputs = layers[0][0], layers[-1][1]
        for i, layer in enumerate(layers, start=1):
            setattr(self, f"conv{i}", conv(*layer))
            features = layer[0] if order == "preact" else layer[1]
            setattr(self, f"bn{i}", nn.BatchNorm2d(features))
        changes = stride != 1 or inputs != outputs
        self.downsample = nn.Identity()
        if skip and (shortcut == "C" or (changes and shortcut == "B")):
            self.downsample = nn.Sequential(
                conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )
        elif skip and changes:
            self.downsample = Shortcut(outputs, stride)

    def forward(self, x):
        h = self.downsample(x) if self.skip else 0
        y = x
        for i in range(1, self.count + 1):
            weights, norm, last = (
                getattr(self, f"conv{i}"),
                getattr(self, f"bn{i}"),
                i == self.count,
            )
            if self.order == "preact":
                y = weights(f.relu(norm(y)))
            elif self.order == "relu-preact":
                y = norm(weights(f.relu(y)))
            elif not last:
                y = f.relu(norm(weights(y)))
            elif self.order == "original":
                return f.relu(self.scale * norm(weights(y)) + h)
            elif self.order == "bn-after-add":
                return f.relu(norm(self.scale * weights(y) + h))
            else:
                return self.scale * f.relu(norm(weights(y))) + h
        return self.scale * y + h


class Net(nn.Module):
    """A stem, stages of blocks, average pooling and a classifier."""

    def __init__(self, stem, classes, order="original"):
        super().__init__()
        width = stem[1]
        self.conv1 = nn.Conv2d(*stem, bias=False)
        self.bn1 = nn.Identity() if order == "preact" else nn.BatchNorm2d(width)
        self.act = nn.Identity() if "preact" in order else nn.ReLU()
        self.maxpool, self.tail, self.stages = nn.Identity(), nn.Identity(), 0

    def add_stage(self, blocks):
        self.stages += 1
        setattr(self, f"layer{self.stages}", nn.Sequential(*blocks))

    def finish(self, channels, classes, order="original"):
        if order == "preact":
            self.tail = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        elif order == "relu-preact":
            self.tail = nn.ReLU()
        self.fc = nn.Linear(channels, classes)
        return self

    def forward(self, x):
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(self.tail(x).mean((2, 3)))


def basic(inputs, filters, stride):
    return [(inputs, filters, 3, stride, 1), (filters, filters, 3, 1, 1)]


def bottleneck(inputs, filters, stride, stride_in="3x3", groups=1, inner=None):
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    inner = inner or filters
    return [
        (inputs, inner, 1, first, 1),
        (inner, inner, 3, second, groups),
        (inner, 4 * filters, 1, 1, 1),
    ]


def cifar(
    depth, skip=True, width=16, shortcut="A", block="basic", order="original", num_classes=10,
    branch_scale=1.0,
):  # fmt: skip
    layers = 2 if block == "basic" else 3
    n = (depth - 2) // (3 * layers)
    scale = (3 * n) ** -0.5 if branch_scale == "1/sqrt(blocks)" else branch_scale
    net = Net((3, width, 3, 1, 1), num_classes, order)
    inputs = width
    for stage in range(3):
        filters, blocks = width * 2**stage, []
        for i in range(n):
            stride = 2 if stage and not i else 1
            parts = (basic if layers == 2 else bottleneck)(inputs, filters, stride)
            blocks.append(Block(parts, stride, order, skip, shortcut, scale))
            inputs = parts[-1][1]
        net.add_stage(blocks)
    return net.finish(inputs, num_classes, order)


def imagenet(
    depth, skip=True, width=64, shortcut="B", stride_in="3x3", num_classes=1000, groups=1,
    inner=1.0,
):  # fmt: skip
    layers, counts = STAGES[depth]
    net = Net((3, width, 7, 2, 3), num_classes)
    net.maxpool = nn.MaxPool2d(3, 2, 1)
    inputs = width
    for stage, count in enumerate(counts):
        filters, blocks = width * 2**stage, []
        for i in range(count):
            stride = 2 if stage and not i else 1
            if layers == 2:
                parts = basic(inputs, filters, stride)
            else:
                wide = int(inner * filters)
                parts = bottleneck(inputs, filters, stride, stride_in, groups, wide)
            blocks.append(Block(parts, stride, "original", skip, shortcut, 1.0))
            inputs = parts[-1][1]
        net.add_stage(blocks)
    return net.finish(inputs, num_classes)


def twin(name, **options):
    """Return the PyTorch twin of `models.build(name, **options)`."""
    kind, depth = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    make = imagenet if depth in STAGES else cifar
    return make(depth, skip=kind == "resnet", **options)


def build(case, dtype="float64"):
    """Return the twin of a case, with the weights of the rule."""
    net = twin(case.net, **case.options).double()
    state = state_for(case, {name: value.shape for name, value in net.state_dict().items()})
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return net.to(getattr(torch, dtype))


def theirs(case, dtype="float64"):
    """Do with the twin what `family.ours` does with our net."""
    net = build(case, dtype)
    x = torch.from_numpy(images_for(case).astype(dtype)).requires_grad_()
    with torch.no_grad():
        logits = net.eval()(x).numpy()
    logits_train = net.train()(x)
    loss = f.cross_entropy(logits_train, torch.from_numpy(labels_for(case)))
    loss.backward()
    gradients = {name: p.grad.numpy() for name, p in net.named_parameters()}
    gradients["images"] = x.grad.numpy()
    statistics = {n: v.numpy() for n, v in net.named_buffers() if "running_" in n}
    return Found(logits, logits_train.detach().numpy(), loss.item(), gradients, statistics)
