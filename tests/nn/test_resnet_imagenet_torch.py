"""The ImageNet nets against PyTorch: the same weights give the same loss and gradients."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
tf = torch.nn.functional


class TorchBlock(torch.nn.Module):
    def __init__(self, inputs, filters, stride, layers, options):
        super().__init__()
        outputs = filters if layers == 2 else 4 * filters
        if layers == 2:
            sizes = [(inputs, filters, 3, stride), (filters, filters, 3, 1)]
        elif options["stride_in"] == "3x3":
            sizes = [(inputs, filters, 1, 1), (filters, filters, 3, stride)]
        else:
            sizes = [(inputs, filters, 1, stride), (filters, filters, 3, 1)]
        if layers == 3:
            sizes.append((filters, outputs, 1, 1))
        for i, (c, k, kernel, step) in enumerate(sizes, start=1):
            conv = torch.nn.Conv2d(c, k, kernel, step, kernel // 2, bias=False)
            setattr(self, f"conv{i}", conv)
            setattr(self, f"bn{i}", torch.nn.BatchNorm2d(k))
        changes = stride != 1 or inputs != outputs
        self.skip = options["skip"]
        self.stride, self.extra = stride, outputs - inputs
        self.layers, self.project = layers, False
        if self.skip and (options["shortcut"] == "C" or (options["shortcut"] == "B" and changes)):
            self.project = True
            self.downsample = torch.nn.Sequential(
                torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                torch.nn.BatchNorm2d(outputs),
            )

    def forward(self, x):
        y = x
        for i in range(1, self.layers + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.layers:
                y = torch.relu(y)
        if self.project:
            y = y + self.downsample(x)
        elif self.skip:
            picked = x[:, :, :: self.stride, :: self.stride]
            y = y + tf.pad(picked, (0, 0, 0, 0, 0, self.extra))
        return torch.relu(y)


class TorchResNet(torch.nn.Module):
    def __init__(self, blocks, layers, width, classes, options):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        inputs, stages = width, []
        for stage, number in enumerate(blocks):
            filters, stack = width * 2**stage, []
            for i in range(number):
                stride = 2 if stage and not i else 1
                stack.append(TorchBlock(inputs, filters, stride, layers, options))
                inputs = filters if layers == 2 else 4 * filters
            stages.append(torch.nn.Sequential(*stack))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = torch.nn.Linear(inputs, classes)

    def forward(self, x):
        x = tf.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


STAGES = {
    18: ((2, 2, 2, 2), 2),
    34: ((3, 4, 6, 3), 2),
    50: ((3, 4, 6, 3), 3),
    101: ((3, 4, 23, 3), 3),
    152: ((3, 8, 36, 3), 3),
}


def relative(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30)


@pytest.mark.parametrize(
    ("depth", "options", "backend", "size"),
    [
        (18, {}, "cpu", 64),
        (18, {"shortcut": "A"}, "cpu", 64),
        (18, {"shortcut": "C"}, "cpu", 64),
        (18, {"skip": False}, "cpu", 64),
        (18, {}, "cpu", 45),  # odd sizes at every stage
        (18, {}, "reference", 32),
        (34, {}, "cpu", 64),
        (34, {"skip": False}, "cpu", 64),
        (50, {}, "cpu", 64),
        (50, {"stride_in": "1x1"}, "cpu", 64),
        (50, {"shortcut": "A"}, "cpu", 45),
        (50, {"shortcut": "C"}, "cpu", 64),
        (50, {}, "reference", 32),
        (101, {}, "cpu", 64),
        (152, {}, "cpu", 64),
    ],
    ids=str,
)
def test_loss_gradients_and_statistics(depth, options, backend, size):
    width = 4
    net = models.imagenet_resnet(depth, width=width, num_classes=10, seed=0, **options).double()
    every = {"shortcut": "B", "stride_in": "3x3", "skip": True} | options
    twin = TorchResNet(*STAGES[depth], width, 10, every).double()
    twin.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in net.state_dict().items()})
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3, size, size)), rng.integers(0, 10, 4)
    images, torch_images = mr.tensor(x, requires_grad=True), torch.from_numpy(x).requires_grad_()
    with mr.use_backend(backend):
        loss = F.cross_entropy(net(images), y)
        loss.backward()
    expected = tf.cross_entropy(twin(torch_images), torch.from_numpy(y))
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    assert relative(images.grad, torch_images.grad.numpy()) < 1e-7
    theirs = dict(twin.named_parameters())
    for name, p in net.named_parameters():
        assert relative(p.grad, theirs[name].grad.numpy()) < 1e-7, name
    state = net.state_dict()
    for name, value in twin.state_dict().items():  # the running statistics have moved alike
        assert relative(state[name], value.numpy()) < 1e-9, name
    net.eval()
    twin.eval()
    with mr.no_grad(), mr.use_backend(backend):
        found = net(mr.tensor(x)).data
    assert relative(found, twin(torch.from_numpy(x)).detach().numpy()) < 1e-9
