"""Residual nets in PyTorch, written from the papers' formulas with torchvision's names."""

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
    """`layers` are (inputs, outputs, kernel, stride, groups); `order` as in 2016, Figure 4.

    act   of "preact": whether the first norm and ReLU are in the "branch", before "both" paths, or
          in "none" of them
    """

    def __init__(self, layers, stride, order, skip, shortcut, scale, act="branch"):
        super().__init__()
        self.count, self.order, self.skip, self.scale = len(layers), order, skip, scale
        self.act = act
        inputs, outputs = layers[0][0], layers[-1][1]
        for i, layer in enumerate(layers, start=1):
            setattr(self, f"conv{i}", conv(*layer))
            features = layer[0] if order == "preact" else layer[1]
            norm = nn.Identity() if i == 1 and act == "none" else nn.BatchNorm2d(features)
            setattr(self, f"bn{i}", norm)
        changes = stride != 1 or inputs != outputs
        self.downsample = nn.Identity()
        if skip and (shortcut == "C" or (changes and shortcut == "B")):
            norm = nn.BatchNorm2d(outputs) if act == "branch" else nn.Identity()
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), norm)
        elif skip and changes:
            self.downsample = Shortcut(outputs, stride)

    def forward(self, x):
        if self.act == "both":
            x = f.relu(self.bn1(x))
        h = self.downsample(x) if self.skip else 0
        y = x
        for i in range(1, self.count + 1):
            weights, norm = getattr(self, f"conv{i}"), getattr(self, f"bn{i}")
            last = i == self.count
            if self.order == "preact" and i == 1 and self.act != "branch":
                y = weights(y)
            elif self.order == "preact":
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

    def __init__(self, stem, stages, classes, order, pool):
        super().__init__()
        width, shared = stem[1], stages[0][0].act == "none"
        self.conv1 = nn.Conv2d(*stem, bias=False)
        self.bn1 = nn.BatchNorm2d(width) if shared or order != "preact" else nn.Identity()
        self.act = nn.ReLU() if shared or "preact" not in order else nn.Identity()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if pool else nn.Identity()
        for i, blocks in enumerate(stages, start=1):
            setattr(self, f"layer{i}", nn.Sequential(*blocks))
        self.stages, last = len(stages), stages[-1][-1]
        channels = getattr(last, f"conv{last.count}").weight.shape[0]
        ends = {"preact": [nn.BatchNorm2d(channels), nn.ReLU()], "relu-preact": [nn.ReLU()]}
        self.tail = nn.Sequential(*ends.get(order, []))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(self.tail(x).mean((2, 3)))


def layers_of(count, inputs, filters, stride, stride_in="3x3", groups=1, width_per_group=64):
    if count == 2:
        return [(inputs, filters, 3, stride, 1), (filters, filters, 3, 1, 1)]
    inner = filters * width_per_group // 64 * groups
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    return [
        (inputs, inner, 1, first, 1),
        (inner, inner, 3, second, groups),
        (inner, 4 * filters, 1, 1, 1),
    ]


def stages_of(count, blocks, width, filters, order, skip, shortcut, scale, shared, inner):
    """Return lists of blocks; every stage but the first halves the size and doubles filters."""
    stages, inputs = [], width
    for stage, number in enumerate(blocks):
        stages.append([])
        for i in range(number):
            stride = 2 if stage and not i else 1
            layers = layers_of(count, inputs, filters * 2**stage, stride, **inner)
            act = "branch"
            if shared:
                changes = stride != 1 or inputs != layers[-1][1]
                act = "none" if not stage and not i else "both" if changes else "branch"
            stages[-1].append(Block(layers, stride, order, skip, shortcut, scale, act))
            inputs = layers[-1][1]
    return stages


def cifar(
    depth, skip=True, width=16, shortcut="A", block="basic", order="original", num_classes=10,
    branch_scale=1.0, shared_act=False, widen=1, **inner,
):  # fmt: skip
    """6n+2 layers (9n+2 of bottlenecks): He et al. 2015, section 4.2, and 2016, appendix."""
    count = 2 if block == "basic" else 3
    n = (depth - 2) // (3 * count)
    scale = (3 * n) ** -0.5 if branch_scale == "1/sqrt(blocks)" else branch_scale
    stages = stages_of(
        count, (n,) * 3, width, width * widen, order, skip, shortcut, scale, shared_act, inner
    )
    return Net((3, width, 3, 1, 1), stages, num_classes, order, pool=False)


def imagenet(
    depth, skip=True, width=64, shortcut="B", order="original", num_classes=1000,
    shared_act=False, **inner,
):  # fmt: skip
    """He et al. 2015, Table 1."""
    count, blocks = STAGES[depth]
    stages = stages_of(count, blocks, width, width, order, skip, shortcut, 1.0, shared_act, inner)
    return Net((3, width, 7, 2, 3), stages, num_classes, order, pool=True)
