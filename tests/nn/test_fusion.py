"""act(norm(x) + add) in one pass: the same bits as its parts, and out of the way of hooks."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import Tensor, functional, models, nn
from minires_kernels import use_versions


def in_dtype(module, dtype):
    """Cast parameters and floating buffers."""
    for m in module.modules():
        for p in m._parameters.values():
            if p is not None:
                p.data = p.data.astype(dtype)
        for name, a in m._buffers.items():
            if a is not None and a.dtype.kind == "f":
                m._buffers[name] = a.astype(dtype)
    return module


def outcome(net, x, target):
    """Return the loss, every gradient and every buffer of one training step."""
    x = Tensor(x, requires_grad=True)
    loss = F.cross_entropy(net(x), target)
    loss.backward()
    gradients = {name: p.grad for name, p in net.named_parameters()}
    return {"loss": loss.data, "x": x.grad} | gradients | dict(net.named_buffers())


NETS = {
    "resnet": lambda: models.resnet(8, width=4, seed=0),
    "plain": lambda: models.plain(8, width=4, seed=0),
    "wide enough for Winograd": lambda: models.resnet(8, width=8, seed=0),
    "projections": lambda: models.resnet(8, width=4, shortcut="B", seed=0),
    "scaled": lambda: models.resnet(8, width=4, branch_scale=0.5, seed=0),
    "tanh": lambda: models.resnet(8, width=4, activation="tanh", seed=0),
    "no norm": lambda: models.resnet(8, width=4, norm="none", seed=0),
    "bottleneck": lambda: models.imagenet_resnet(50, width=4, num_classes=10, seed=0),
    "mlp": lambda: models.mlp_stack(4, 12, "identity", "bn", seed=0),
    "plain mlp": lambda: models.mlp_stack(4, 12, "none", "bn", shortcut="C", seed=0),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fusion_changes_no_bit(name, dtype):
    rng = np.random.default_rng(0)
    size = {"bottleneck": 32, "wide enough for Winograd": 16}.get(name, 12)
    shape = (6, size) if "mlp" in name else (6, 3, size, size)
    x, target = rng.standard_normal(shape).astype(dtype), rng.integers(0, 10, 6)
    found = []
    for enabled in (True, False):
        net = in_dtype(NETS[name](), dtype)
        with nn.use_fusion(enabled):
            found.append(outcome(net, x, target))
    for key, fused in found[0].items():
        np.testing.assert_array_equal(fused, found[1][key], err_msg=key)


def functions(y):
    """Return the names of all Functions in the graph of y."""
    names, stack = [], [y.node]
    while stack:
        node = stack.pop()
        if node is not None and node.function is not None:
            names.append(node.name)
            stack.extend(node.parents)
    return names


def test_what_runs():
    bn, relu = nn.BatchNorm2d(3), nn.ReLU()
    x = Tensor(np.random.default_rng(0).standard_normal((4, 3, 5, 5)), requires_grad=True)
    bn = in_dtype(bn, np.float64)
    assert functions(nn.norm_act(bn, relu, x, add=x)) == ["BatchNormReLU"]
    with nn.use_fusion(False):
        assert set(functions(nn.norm_act(bn, relu, x, add=x))) == {"ReLU", "Add", "BatchNorm"}
    assert functions(nn.norm_act(bn, nn.Tanh(), x))[1] == "BatchNorm"
    assert functions(nn.norm_act(nn.Identity(), relu, x)) == ["ReLU"]
    assert functions(nn.norm_act(nn.Identity(), relu, x, add=x)) == ["AddReLU"]


def layer_of(bias=False, width=8):
    conv = nn.Conv2d(3, width, 3, padding=1, bias=bias)
    return conv, nn.BatchNorm2d(width), nn.ReLU()


def test_a_layer_runs_as_one_function_only_where_nobody_looks():
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((4, 3, 8, 8), dtype=np.float32), requires_grad=True)
    add = Tensor(rng.standard_normal((4, 8, 8, 8), dtype=np.float32))
    parts = layer_of()
    one, apart = ["Conv2dNormReLU"], ["BatchNormReLU", "Conv2d"]
    assert functions(nn.layer(*parts, x)) == one
    assert functions(nn.layer(*parts, x, add)) == one
    assert functions(nn.layer(*layer_of(bias=True), x)) == apart
    assert "Add" in functions(nn.layer(*parts, x, Tensor(np.ones((8, 8), np.float32))))
    with mr.watching(mr.Observer()):
        assert functions(nn.layer(*parts, x)) == apart
    with use_versions(conv2d=2):
        assert functions(nn.layer(*parts, x)) == apart
    with nn.use_fusion(False):
        assert functions(nn.layer(*parts, x)) == ["ReLU", "BatchNorm", "Conv2d"]
    for module in parts:
        seen = []
        handle = module.register_forward_hook(lambda m, i, y, seen=seen: seen.append(y))
        assert functions(nn.layer(*parts, x)) != one
        assert len(seen) == 1
        handle.remove()
        module.forward = lambda x, module=module: type(module).forward(module, x)
        assert functions(nn.layer(*parts, x)) != one
        del module.forward
    assert functions(nn.layer(*parts, x)) == one
    parts[1].eval()
    assert functions(nn.layer(*parts, x)) == apart


def test_a_linear_layer_runs_as_one_function_where_its_norm_is_that_of_features():
    x = Tensor(np.random.default_rng(0).standard_normal((4, 3), dtype=np.float32))
    linear, norm, act = nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU()
    one, apart = ["LinearNormReLU"], ["BatchNormReLU", "Linear"]
    assert functions(nn.layer(linear, norm, act, x)) == one
    assert functions(nn.layer(linear, norm, act, x, Tensor(np.ones((4, 8), np.float32)))) == one
    assert "Add" in functions(nn.layer(linear, norm, act, x, Tensor(np.ones(8, np.float32))))
    assert functions(nn.layer(nn.Linear(3, 8), norm, act, x)) == apart
    with mr.watching(mr.Observer()):
        assert functions(nn.layer(linear, norm, act, x)) == apart
    with pytest.raises(ValueError, match="with C = 5"):
        nn.layer(linear, nn.BatchNorm1d(5), act, x)
    with pytest.raises(ValueError, match=r"expected shape \(N, C, H, W\)"):
        nn.layer(linear, nn.BatchNorm2d(8), act, x)


def test_a_layer_that_does_not_fit_is_refused_by_the_part_that_it_does_not_fit():
    x = Tensor(np.ones((2, 3, 4, 4), np.float32))
    conv, _, act = layer_of()
    with pytest.raises(ValueError, match="with C = 5"):
        nn.layer(conv, nn.BatchNorm2d(5), act, x)
    with pytest.raises(ValueError, match=r"x: expected shape \(N, C, H, W\)"):
        nn.layer(*layer_of(), Tensor(np.ones((2, 3), np.float32)))


def test_running_statistics_move_by_the_values_of_the_convolution():
    """The unbiased variance needs their number, which is not that of x's values."""
    x = np.random.default_rng(0).standard_normal((2, 3, 2, 2), dtype=np.float32)
    moved = []
    for enabled in (True, False):
        mr.manual_seed(0)
        conv, norm, act = nn.Conv2d(3, 8, 1, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        with nn.use_fusion(enabled):
            nn.layer(conv, norm, act, Tensor(x))
        moved.append((norm.running_mean.tobytes(), norm.running_var.tobytes()))
        assert norm.num_batches_tracked == 1
    assert moved[0] == moved[1]


@pytest.mark.parametrize("hooked", ["norm", "act"])
def test_a_hooked_module_runs_by_itself(hooked):
    norm, act = nn.BatchNorm1d(3), nn.ReLU()
    seen = []
    module = norm if hooked == "norm" else act
    handle = module.register_forward_hook(lambda m, i, y: seen.append(type(m).__name__))
    x = mr.tensor(np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32))
    nn.norm_act(norm, act, x)
    assert seen == [type(module).__name__]
    handle.remove()
    nn.norm_act(norm, act, x)
    assert len(seen) == 1


def test_a_module_with_a_forward_of_its_own_runs_it():
    class Larger(nn.BatchNorm1d):
        def forward(self, x):
            return super().forward(x) * 100

    x = mr.tensor(np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32))
    usual = nn.norm_act(nn.BatchNorm1d(3), nn.ReLU(), x).data
    np.testing.assert_allclose(nn.norm_act(Larger(3), nn.ReLU(), x).data, 100 * usual, rtol=1e-6)
    norm = nn.BatchNorm1d(3)
    norm.forward = lambda x: x * 0
    assert not nn.norm_act(norm, nn.ReLU(), x).data.any()


def test_evaluation_uses_the_running_statistics():
    rng = np.random.default_rng(0)
    bn = nn.BatchNorm2d(3)
    bn.running_mean[:], bn.running_var[:] = rng.standard_normal(3), rng.uniform(1, 2, 3)
    bn.eval()
    x, r = (Tensor(rng.standard_normal((2, 3, 4, 4), dtype=np.float32)) for _ in "xr")
    fused = nn.norm_act(bn, nn.ReLU(), x, add=r).data
    np.testing.assert_array_equal(fused, np.maximum(bn(x).data + r.data, 0))


def test_gradcheck_covers_the_fused_function():
    rng = np.random.default_rng(0)
    x, r = rng.standard_normal((2, 4, 3, 3, 2))
    w, b = rng.standard_normal((2, 3))

    def fused(x, w, b, r):
        return functional.BatchNormReLU.apply(x, w, b, None, None, r, eps=1e-5)

    report = mr.gradcheck(fused, x, w, b, r)
    assert report.ok, report


def test_gradcheck_covers_a_layer():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 4, 3)), rng.standard_normal((2, 3, 3, 3))
    weight, bias = rng.standard_normal((2, 2))
    r = rng.standard_normal((2, 2, 4, 3))

    def fused(x, w, weight, bias, r):
        options = {"stride": 1, "padding": 1, "eps": 1e-5}
        return functional.Conv2dNormReLU.apply(x, w, weight, bias, None, None, r, **options)

    report = mr.gradcheck(fused, x, w, weight, bias, r)
    assert report.ok, report


def test_use_fusion_refuses_and_restores():
    with pytest.raises(TypeError, match="True or False"):
        nn.use_fusion(1)
    with nn.use_fusion(False), nn.use_fusion(True):
        pass
    relu = nn.norm_act(nn.BatchNorm1d(2), nn.ReLU(), Tensor(np.ones((2, 2), np.float32)))
    assert relu.shape == (2, 2)
