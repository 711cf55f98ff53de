"""The other nets of the family in PyTorch, with torchvision's names where it has the net."""

import torch
from torch import nn
from torch.nn import functional as f

# ---- DenseNet: Huang et al. 2017, Table 1 --------------------------------------------------------
DENSE = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth, bottleneck):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(4 * growth)
            self.conv2 = nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)
        else:
            self.conv1 = nn.Conv2d(inputs, growth, 3, 1, 1, bias=False)

    def forward(self, x):
        y = self.conv1(f.relu(self.norm1(x)))
        if hasattr(self, "conv2"):
            y = self.conv2(f.relu(self.norm2(y)))
        return torch.cat([x, y], 1)


def transition(inputs, outputs):
    parts = nn.Sequential()
    parts.add_module("norm", nn.BatchNorm2d(inputs))
    parts.add_module("relu", nn.ReLU())
    parts.add_module("conv", nn.Conv2d(inputs, outputs, 1, bias=False))
    parts.add_module("pool", nn.AvgPool2d(2, 2))
    return parts


class DenseNet(nn.Module):
    def __init__(self, stem, channels, blocks, growth, bottleneck, compression, classes):
        super().__init__()
        self.features = nn.Sequential()
        for name, part in stem.items():
            self.features.add_module(name, part)
        for number, count in enumerate(blocks, start=1):
            block = nn.Sequential()
            for i in range(count):
                block.add_module(f"denselayer{i + 1}", DenseLayer(channels, growth, bottleneck))
                channels += growth
            self.features.add_module(f"denseblock{number}", block)
            if number < len(blocks):
                outputs = int(channels * compression)
                self.features.add_module(f"transition{number}", transition(channels, outputs))
                channels = outputs
        self.features.add_module(f"norm{len(blocks) + 1}", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        return self.classifier(f.relu(self.features(x)).mean((2, 3)))


def dense_imagenet(depth, growth=32, num_classes=1000):
    stem = {
        "conv0": nn.Conv2d(3, 2 * growth, 7, 2, 3, bias=False),
        "norm0": nn.BatchNorm2d(2 * growth),
        "relu0": nn.ReLU(),
        "pool0": nn.MaxPool2d(3, 2, 1),
    }
    return DenseNet(stem, 2 * growth, DENSE[depth], growth, True, 0.5, num_classes)


def dense_cifar(depth, bottleneck, growth, num_classes=10):
    width, n = (2 * growth, (depth - 4) // 6) if bottleneck else (16, (depth - 4) // 3)
    stem = {"conv0": nn.Conv2d(3, width, 3, 1, 1, bias=False)}
    compression = 0.5 if bottleneck else 1
    return DenseNet(stem, width, (n,) * 3, growth, bottleneck, compression, num_classes)


# ---- multilayer perceptrons ----------------------------------------------------------------------
class MLPBlock(nn.Module):
    def __init__(self, width, skip, norm):
        super().__init__()
        self.skip = skip
        for i in (1, 2):
            setattr(self, f"linear{i}", nn.Linear(width, width, bias=not norm))
            setattr(self, f"norm{i}", nn.BatchNorm1d(width) if norm else nn.Identity())

    def forward(self, x):
        if self.skip == "preact":
            y = self.linear1(f.relu(self.norm1(x)))
            return x + self.linear2(f.relu(self.norm2(y)))
        y = self.norm2(self.linear2(f.relu(self.norm1(self.linear1(x)))))
        return f.relu(x + y if self.skip == "identity" else y)


class MLP(nn.Module):
    def __init__(self, depth, width, skip="none", norm="none", num_classes=10):
        super().__init__()
        blocks = (MLPBlock(width, skip, norm == "bn") for _ in range(depth // 2))
        self.body = nn.Sequential(*blocks)
        normed = [nn.BatchNorm1d(width)] if norm == "bn" else [nn.Identity()]
        self.tail = nn.Sequential(*([*normed, nn.ReLU()] if skip == "preact" else []))
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.tail(self.body(x)))


# ---- MobileNet (Howard et al. 2017, Table 1) and MobileNetV2 (Sandler et al. 2018, Table 2) ------
def conv_norm(inputs, outputs, kernel, stride=1, groups=1, act=nn.ReLU):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), act())


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, factor):
        super().__init__()
        inner, self.skip = factor * inputs, stride == 1 and inputs == outputs
        widen = [conv_norm(inputs, inner, 1, act=nn.ReLU6)] if factor > 1 else []
        self.conv = nn.Sequential(
            *widen,
            conv_norm(inner, inner, 3, stride, inner, nn.ReLU6),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return x + self.conv(x) if self.skip else self.conv(x)


class MobileNet(nn.Module):
    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = nn.Sequential(*features), classifier

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def mobilenet_v1(width=1.0, num_classes=1000):
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    plan += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    channels = int(32 * width)
    features = [conv_norm(3, channels, 3, 2)]
    for full, stride in plan:
        outputs = int(full * width)
        across = conv_norm(channels, outputs, 1)
        features.append(nn.Sequential(conv_norm(channels, channels, 3, stride, channels), across))
        channels = outputs
    return MobileNet(features, nn.Linear(channels, num_classes))


def mobilenet_v2(width=1.0, num_classes=1000, dropout=0.0):
    def eights(channels):
        found = max(8, int(channels + 4) // 8 * 8)
        return found + 8 if found < 0.9 * channels else found

    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    plan += [(6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    channels, last = eights(32 * width), eights(1280 * max(1.0, width))
    features = [conv_norm(3, channels, 3, 2, act=nn.ReLU6)]
    for factor, full, count, stride in plan:
        for i in range(count):
            outputs = eights(full * width)
            features.append(Inverted(channels, outputs, 1 if i else stride, factor))
            channels = outputs
    features.append(conv_norm(channels, last, 1, act=nn.ReLU6))
    return MobileNet(features, nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes)))


# ---- VDSR (Kim, Lee and Lee 2016) and, with batch norm, DnCNN (Zhang et al. 2017) ----------------
class Restorer(nn.Module):
    def __init__(self, depth=20, width=64, residual=True, norm="none"):
        super().__init__()
        self.residual, parts = residual, [nn.Conv2d(1, width, 3, 1, 1), nn.ReLU()]
        for _ in range(depth - 2):
            parts.append(nn.Conv2d(width, width, 3, 1, 1, bias=norm == "none"))
            parts += [nn.BatchNorm2d(width)] if norm == "bn" else []
            parts.append(nn.ReLU())
        self.body = nn.Sequential(*parts, nn.Conv2d(width, 1, 3, 1, 1))

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


# ---- airbench94 (Jordan 2024, section 3) ---------------------------------------------------------
class Group(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        for i in (1, 2):
            norm = nn.BatchNorm2d(outputs, eps=1e-12, momentum=0.4)
            norm.weight.requires_grad_(False)
            setattr(self, f"norm{i}", norm)

    def forward(self, x):
        x = f.gelu(self.norm1(f.max_pool2d(self.conv1(x), 2)))
        return f.gelu(self.norm2(self.conv2(x)))


class Airbench(nn.Module):
    def __init__(self, width=64, num_classes=10):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        self.group1, self.group2 = Group(24, width), Group(width, 4 * width)
        self.group3 = Group(4 * width, 4 * width)
        self.head = nn.Linear(4 * width, num_classes, bias=False)

    def forward(self, x):
        x = self.group3(self.group2(self.group1(f.gelu(self.whiten(x)))))
        return self.head(x.amax((2, 3))) / 9


# ---- EDSR (Lim et al. 2017, Figure 3) ------------------------------------------------------------
class Twice(nn.Module):
    def __init__(self, width, scale, skip):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, 1, 1) for _ in range(2))
        self.scale, self.skip = scale, skip

    def forward(self, x):
        y = self.scale * self.conv2(f.relu(self.conv1(x)))
        return x + y if self.skip else y


class EDSR(nn.Module):
    def __init__(self, blocks=16, width=64, scale=2, branch_scale=1.0, skip=True):
        super().__init__()
        self.skip, self.head = skip, nn.Conv2d(3, width, 3, 1, 1)
        body = [Twice(width, branch_scale, skip) for _ in range(blocks)]
        self.body = nn.Sequential(*body, nn.Conv2d(width, width, 3, 1, 1))
        tail = []
        for r in {2: (2,), 3: (3,), 4: (2, 2)}[scale]:
            tail += [nn.Conv2d(width, r * r * width, 3, 1, 1), nn.PixelShuffle(r)]
        self.tail = nn.Sequential(*tail, nn.Conv2d(width, 3, 3, 1, 1))

    def forward(self, x):
        x = self.head(x)
        return self.tail(x + self.body(x) if self.skip else self.body(x))
