"""Tensors on a device: every operation gives what it gives on the cpu, and nothing moves itself."""

import operator

import numpy as np
import pytest

import device_module
import minires as mr
import minires.functional as F
from device_array import DeviceArray
from minires import Function, ops
from minires.gradcheck.branches import observe_branches
from minires.gradcheck.targets import kernel_targets, layer_targets

xp = device_module.xp
ON_GPU = "lives on the GPU"


@pytest.fixture(autouse=True)
def _device():
    with device_module.device():
        yield


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape)


# ---- moving -------------------------------------------------------------------------------------
def test_tensors_are_made_where_asked():
    assert mr.tensor([1.0]).device == "cpu"
    t = mr.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    assert (t.device, t.dtype, t.is_leaf) == ("cuda", np.float32, True)
    assert mr.tensor(t.data).device == "cuda"
    assert mr.tensor(t.data).data is not t.data
    assert mr.tensor(t.data, device="cpu").data.tolist() == [1, 2]
    assert mr.tensor(t.data, dtype=np.float64).dtype == np.float64
    assert mr.Tensor(t.data).data is t.data
    with mr.use_backend("cuda"):
        assert mr.tensor([1.0]).device == "cuda"
        assert mr.tensor(np.ones(2)).dtype == np.float64
        assert mr.tensor([1.0], device="cpu").device == "cpu"
    with pytest.raises(ValueError, match="'cpu' or 'cuda', got 'gpu'"):
        mr.tensor([1.0], device="gpu")


def test_numbers_and_text_of_a_device_tensor():
    t = mr.tensor([[1.5]], device="cuda")
    assert t.item() == float(t) == 1.5
    assert int(t) == 1
    assert bool(t)
    assert repr(t) == "tensor([[1.5]], shape=(1, 1), dtype=float32, device=cuda)"
    with pytest.raises(TypeError, match=r"\.cpu\(\)"):
        t.numpy()
    with pytest.raises(TypeError, match=r"\.cpu\(\)"):
        np.asarray(t)
    assert t.cpu().numpy().tolist() == [[1.5]]
    assert len(list(mr.tensor([1.0, 2.0], device="cuda"))) == 2


def test_gradients_flow_back_through_moves():
    x = mr.tensor([1.0, 2.0], requires_grad=True)
    there = x.cuda()
    assert there.device == "cuda"
    assert there.to("cuda") is there
    assert x.to("cpu") is x
    (there * there).cpu().sum().backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.tolist() == [2, 4]
    y = mr.tensor([3.0], device="cuda", requires_grad=True)
    (y.cpu() * y.cpu()).sum().backward()
    assert type(y.grad) is DeviceArray
    assert y.grad.tolist() == [6]
    with pytest.raises(ValueError, match="got 'gpu'"):
        x.to("gpu")


# ---- operations ---------------------------------------------------------------------------------
X4, X2 = (2, 3, 6, 5), (6, 4)
OPERATIONS = {
    "add": (lambda a, b: a + b, X4, (3, 1, 1)),
    "number": (lambda a: 2 - 3 * a / 4 + a**2 - a**0, X4),
    "sub": (lambda a, b: a - b, (1, 4), X2),
    "mul": (lambda a, b: a * b, X4, (6, 1)),
    "div": (lambda a, b: a / b, X2, (4,)),
    "matmul": (ops.matmul, (2, 1, 3, 4), (5, 4, 2)),
    "matmul, vectors": (lambda a, b: a @ b, (4,), (4,)),
    "neg": (operator.neg, X2),
    **{name: (getattr(ops, name), X2) for name in ("exp", "log", "sqrt", "tanh", "sigmoid")},
    "clip": (lambda a: a.clip(0.8, 1.5), X4),
    "clip, one side": (lambda a: a.clip(max=1.5), X4),
    "where": (lambda a, b: ops.where(a.data > b.data, a, b), X2, X2),
    "where, number": (lambda a: ops.where(a > 1, a, 0.0), X2),
    "sum": (lambda a: a.sum((0, 2)), X4),
    "sum of no dimension": (lambda a: a.sum(()), X2),
    "mean": (lambda a: a.mean(1, keepdim=True), X4),
    "var": (lambda a: a.var(0), X2),
    "max": (lambda a: a.max(1), X4),
    "max of all": (lambda a: a.max(), X4),
    "max, kept": (lambda a: a.max(-1, keepdim=True), X4),
    "reshape": (lambda a: a.reshape(5, -1), X4),
    "flatten": (lambda a: a.flatten(1), X4),
    "permute": (lambda a: a.permute(2, 0, 3, 1), X4),
    "transpose": (lambda a: a.T, X2),
    "getitem": (lambda a: a[1, ..., 1:4:2], X4),
    "getitem, list": (lambda a: a[[0, 0, 1], :, 1:4], X4),
    "getitem, repeated": (lambda a: a[[2, 2, 2, 0]], X2),
    "getitem, empty list": (lambda a: a[[]], X2),
    "getitem, mask": (lambda a: a[a > 1], X2),
    "concat": (lambda a, b: ops.concat([a, b, a], 1), X2, (6, 2)),
    "pad": (lambda a: ops.pad(a, (1, 2, 0, 1), 3.0), X4),
    "softmax": (F.softmax, X2),
    "linear, images": (F.linear, X4, (2, 5), (2,)),
    "adaptive_avg_pool2d": (lambda a: F.adaptive_avg_pool2d(a, (4, 3)), X4),
    "dropout": (lambda a: F.dropout(a, 0.4, rng=3), X2),
    "mse_loss": (F.mse_loss, X2, X2),
    "there and back": (lambda a: a.cpu().to(a.device) * 2, X2),
    "used twice": (lambda a: a * a + a, X2),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_those_of_the_cpu(name):
    f, *shapes = OPERATIONS[name]
    results = {}
    for device in ("cpu", "cuda"):
        xs = [drawn(*s, seed=i).astype(np.float32) for i, s in enumerate(shapes)]
        xs = [mr.tensor(x, device=device, requires_grad=True) for x in xs]
        y = f(*xs)
        assert y.device == device
        v = mr.tensor(drawn(*y.shape, seed=9).astype(np.float32), device=device)
        y.backward(v)
        assert all(x.grad.shape == x.shape for x in xs)
        results[device] = [y.detach().cpu().numpy(), *(mr.Tensor(x.grad).cpu().data for x in xs)]
    for a, b in zip(results["cpu"], results["cuda"], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-7)


NETS = ("BasicBlock", "mlp_stack", "resnet8", "plain8")  # slow; other tests train such nets
LAYERS = [t for t in layer_targets("cuda") if not t.name.startswith(NETS)]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(t, marks=[pytest.mark.slow] * (i % 4 > 0), id=t.name)
        for i, t in enumerate(LAYERS)
    ],
)
def test_layers_pass_gradcheck_on_the_device(target):
    for _, report in target.run(0):
        assert report.ok, str(report)


def test_kernel_targets_move_their_arrays(thorough):
    names = ["relu v1", *(["cross_entropy v1", "batch_norm v1"] if thorough else [])]
    for target in kernel_targets("cuda"):
        if target.name in names:
            reports = [report for _, report in target.run(0)]
            assert reports
            assert all(reports), "\n".join(map(str, reports))


def test_gradcheck_takes_arrays_and_modules_from_the_device():
    x = xp.asarray(drawn(5, 4))
    assert mr.gradcheck(lambda a: a * a, x)
    assert mr.gradcheck(mr.nn.Linear(4, 2).to("cuda"), x)
    assert not mr.gradcheck(lambda a: a.detach() * a, x)
    net = mr.nn.Linear(4, 2).to("cuda")
    assert mr.gradcheck(net, drawn(5, 4))
    assert net.weight.device == "cuda"


def test_a_gradient_of_repeated_elements_adds_them_all():
    x = mr.tensor(np.zeros(4, np.float32), device="cuda", requires_grad=True)
    index = xp.asarray(np.array([3, 1, 3, 3]))
    x[index].backward(mr.tensor(np.array([1, 2, 4, 8], np.float32), device="cuda"))
    assert x.grad.tolist() == [0, 2, 0, 13]


def test_comparisons_and_branches():
    x = mr.tensor([1.0, 3.0], device="cuda")
    for relation in ("lt", "le", "gt", "ge", "eq", "ne"):
        found = getattr(operator, relation)(x, 3.0)
        assert found.device == "cuda"
        assert found.data.tolist() == getattr(operator, relation)(np.array([1, 3]), 3).tolist()
    digests = []
    for a in (x, x.cpu()):
        with observe_branches() as log:
            F.relu(a - 2)
            a.clip(0, 2)
            a.max()
        digests.append((log.digest(), log.count))
    assert digests[0] == digests[1]


# ---- no mixing ----------------------------------------------------------------------------------
HOST = np.ones(3, np.float32)
MIXES = {
    "+": lambda t: t + HOST,
    "array + tensor": lambda t: HOST + t,
    "-": lambda t: t - mr.Tensor(HOST),
    "*": lambda t: mr.Tensor(HOST) * t,
    "/": lambda t: t / HOST.astype(int),
    "@": lambda t: t @ HOST,
    "<": lambda t: t < HOST,
    "==": lambda t: t == mr.Tensor(HOST),
    "where": lambda t: ops.where(HOST > 0, t, t),
    "where, value": lambda t: ops.where(t > 0, t, HOST),
    "concat": lambda t: ops.concat([t, HOST]),
    "index": lambda t: t[np.array([0, 1])],
    "mask": lambda t: t[HOST > 0],
    "backward": lambda t: (t * 1).backward(HOST),
    "update_": lambda t: t.update_(HOST),
    "update_, number": lambda t: t.update_(1.0),
    "linear": lambda t: F.linear(t.reshape(1, 3), mr.tensor([[1.0, 2.0, 3.0]])),
    "mse_loss": lambda t: F.mse_loss(t, HOST),
    "cross_entropy": lambda t: F.cross_entropy(t.reshape(1, 3), np.array([1])),
    "add_relu": lambda t: F.add_relu(t, mr.Tensor(HOST)),
    "batch_norm": lambda t: F.batch_norm(t.reshape(3, 1), HOST[:1], HOST[:1], training=True),
    "batch_norm, evaluation": lambda t: F.batch_norm(t.reshape(3, 1), HOST[:1], HOST[:1]),
}


@pytest.mark.parametrize("how", MIXES)
def test_arrays_of_two_places_are_refused(how):
    t = mr.tensor(HOST, device="cuda", requires_grad=True)
    with pytest.raises(TypeError, match=ON_GPU) as caught:
        MIXES[how](t)
    assert "NumPy array" in str(caught.value)
    assert HOST.tolist() == [1, 1, 1]


def test_listed_indices_are_checked_before_they_are_moved():
    t = mr.tensor(drawn(3, 4), device="cuda")
    for index in ([0, 3], [-4], (slice(None), [4]), ([0], xp.asarray(np.array([0])), None, [9])):
        with pytest.raises(IndexError):
            t[index]
    assert t[[-1]].data.tolist() == [t.data.tolist()[-1]]
    mask = xp.asarray(np.array([True, False, True]))
    assert t[mask, [1, 3]].shape == (2,)


# ---- the engine ---------------------------------------------------------------------------------
def test_hooks_see_a_copy_and_may_replace_it():
    x = mr.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g.fill(7))
    z = y * 3
    z.register_hook(lambda g: g * 10)
    z.sum().backward()
    assert x.grad.tolist() == [60, 60]
    y = x * 2
    y.register_hook(lambda g: HOST[:2])
    with pytest.raises(RuntimeError, match=r"on cpu for Mul; expected .* on cuda"):
        y.sum().backward()


def test_a_backward_that_leaves_the_device_is_named():
    class Leaves(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            return np.ones(dy.shape, dy.dtype)

    x = mr.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"Leaves\.backward returned .* on cpu for input 0; .* on cuda"
    ):
        Leaves.apply(x).sum().backward()
    assert x.grad is None


def test_retained_and_accumulated_gradients_stay_on_the_device():
    x = mr.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    for _ in range(2):
        y = x * x
        y.retain_grad()
        y.sum().backward()
    assert x.grad.tolist() == [4, 8]
    assert y.grad.tolist() == [1, 1]
