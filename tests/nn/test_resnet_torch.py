"""Whole nets against PyTorch: the same weights give the same loss, gradients and statistics."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
tf = torch.nn.functional


class TorchBlock(torch.nn.Module):
    def __init__(self, inputs, channels, stride, skip):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(channels)
        self.conv2 = torch.nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(channels)
        self.stride, self.channels, self.skip = stride, channels, skip

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.skip:
            short = x[:, :, :: self.stride, :: self.stride]
            extra = self.channels - x.shape[1]
            y = y + tf.pad(short, (0, 0, 0, 0, 0, extra))
        return torch.relu(y)


class TorchResNet(torch.nn.Module):
    def __init__(self, n, width, skip):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        channels = width
        for stage, (filters, stride) in enumerate([(width, 1), (2 * width, 2), (4 * width, 2)]):
            blocks = []
            for i in range(n):
                blocks.append(TorchBlock(channels, filters, stride if i == 0 else 1, skip))
                channels = filters
            setattr(self, f"layer{stage + 1}", torch.nn.Sequential(*blocks))
        self.fc = torch.nn.Linear(channels, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def relative(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30)


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(
    ("backend", "dtype", "width", "size", "tolerance"),
    [
        ("cpu", "float64", 16, 32, 1e-9),
        # float32: the summation orders differ; 20 layers of batch norm amplify that
        ("cpu", "float32", 16, 32, 2e-2),
        ("reference", "float64", 4, 16, 1e-9),
    ],
)
def test_resnet20_and_plain20(skip, backend, dtype, width, size, tolerance):
    net = models.resnet(20, width=width, skip=skip, seed=0).to(dtype)
    twin = TorchResNet(3, width, skip).to(getattr(torch, dtype))
    state = {k: torch.from_numpy(np.array(v)) for k, v in net.state_dict().items()}
    twin.load_state_dict(state)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3, size, size)).astype(dtype), rng.integers(0, 10, 4)
    with mr.use_backend(backend):
        loss = F.cross_entropy(net(mr.tensor(x)), y)
        loss.backward()
    expected = tf.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(y))
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=min(tolerance, 1e-5))
    for (name, p), q in zip(net.named_parameters(), twin.parameters(), strict=True):
        assert relative(p.grad, q.grad.numpy()) < tolerance, name
    for name, value in twin.state_dict().items():  # the running statistics have moved alike
        assert relative(net.state_dict()[name], value.numpy()) < 1e-5, name
    net.eval()
    twin.eval()
    with mr.no_grad(), mr.use_backend(backend):
        found = net(mr.tensor(x)).data
    assert relative(found, twin(torch.from_numpy(x)).detach().numpy()) < max(1e-9, tolerance / 20)


def test_three_training_steps_give_the_same_weights():
    net = models.resnet(8, width=4, seed=0).double()
    twin = TorchResNet(1, 4, True).double()
    twin.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in net.state_dict().items()})
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": True}
    ours, theirs = (
        optim.SGD(net.parameters(), **options),
        torch.optim.SGD(twin.parameters(), **options),
    )
    rng = np.random.default_rng(0)
    for _ in range(3):
        x, y = rng.standard_normal((8, 3, 8, 8)), rng.integers(0, 10, 8)
        ours.zero_grad()
        F.cross_entropy(net(mr.tensor(x)), y).backward()
        ours.step()
        theirs.zero_grad()
        tf.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        theirs.step()
    for (name, p), q in zip(net.named_parameters(), twin.parameters(), strict=True):
        assert relative(p.data, q.detach().numpy()) < 1e-8, name
