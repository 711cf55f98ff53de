"""State dicts: all or nothing, tied and shared parameters, prefixes, types."""

import numpy as np
import pytest

import minires as mr
from minires import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(3, 3), nn.Linear(3, 3)
        self.decode.weight = self.encode.weight


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.b = self.a


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def same(a, b):
    assert list(a) == list(b)
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


@pytest.mark.parametrize("make", [Tied, Shared, small])
@pytest.mark.parametrize("strict", [True, False])
def test_a_net_loads_its_own_state(make, strict):
    source, target = make(), make()
    assert target.load_state_dict(source.state_dict(), strict=strict) == ([], [])
    same(source.state_dict(), target.state_dict())
    names = [name for name, _ in target.named_parameters()]
    assert len({id(p) for p in target.parameters()}) == len(names)  # still tied


def test_one_name_of_a_tied_parameter_is_enough_and_values_must_agree():
    assert list(Tied().state_dict()) == [
        "encode.weight", "encode.bias", "decode.weight", "decode.bias",
    ]  # fmt: skip
    for gone, kept in (("encode", "decode"), ("decode", "encode")):
        net, state = Tied(), Tied().state_dict()
        del state[f"{gone}.weight"]
        net.load_state_dict(state)
        assert np.array_equal(net.decode.weight.data, state[f"{kept}.weight"])
    net, state = Tied(), Tied().state_dict()
    before = net.state_dict()
    state["decode.weight"] = state["decode.weight"] + 1
    with pytest.raises(ValueError, match=r"encode\.weight and decode\.weight are one array.*tied"):
        net.load_state_dict(state)
    same(before, net.state_dict())
    del state["encode.weight"], state["decode.weight"]
    with pytest.raises(ValueError, match=r"missing: encode\.weight$"):
        net.load_state_dict(state)
    state = Tied().state_dict()
    state["encode.weight"][0] = state["decode.weight"][0] = np.nan
    net.load_state_dict(state)
    shared = Shared()
    state = {k: v for k, v in shared.state_dict().items() if k.startswith("b.")}
    shared.load_state_dict(state)


@pytest.mark.parametrize(
    ("wrap", "advice"),
    [
        (lambda s: {f"module.{k}": v for k, v in s.items()}, r"'module\.' \(DataParallel.*remove"),
        (lambda s: {f"_orig_mod.{k}": v for k, v in s.items()}, r"'_orig_mod\.' \(torch\.compile"),
        (lambda s: {f"_orig_mod.module.{k}": v for k, v in s.items()}, r"'_orig_mod\.module\.'"),
        (lambda s: {f"net.{k}": v for k, v in s.items()} | {"loss.w": 1}, r"start with 'net\.'"),
        (lambda s: {"epoch": 3, "state_dict": s}, r"pass state\['state_dict'\]"),
        (lambda s: {"model": {f"module.{k}": v for k, v in s.items()}}, r"pass state\['model'\]"),
        (lambda s: {k.removeprefix("0."): v for k, v in s.items()}, r"lack this net's '0\.'"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_prefix_is_named_in_one_line_with_what_to_do(wrap, advice, strict):
    net = nn.Sequential(small())
    before = net.state_dict()
    with pytest.raises(ValueError, match=advice) as error:
        net.load_state_dict(wrap(small_state()), strict=strict)
    assert "\n" not in str(error.value)
    assert "missing" not in str(error.value)
    same(before, net.state_dict())


def small_state():
    return nn.Sequential(small()).state_dict()


def test_the_advice_works():
    state = {f"module.{k}": v for k, v in small_state().items()}
    with pytest.raises(ValueError, match="remove it") as error:
        nn.Sequential(small()).load_state_dict(state)
    code = str(error.value).split("remove it: ")[1]
    nn.Sequential(small()).load_state_dict(eval(code, {"state": state}))


def test_long_lists_are_cut():
    net = nn.Sequential(*[nn.Linear(1, 1) for _ in range(50)])
    with pytest.raises(ValueError, match=r"missing: 0\.weight.*2\.bias, and 94 more") as error:
        net.load_state_dict({})
    assert len(str(error.value)) < 200
    state = {k: np.zeros(7) for k in net.state_dict()}
    with pytest.raises(ValueError, match=r"shape .* and 94 more") as error:
        net.load_state_dict(state)
    assert len(str(error.value)) < 400


WRONG = {
    "shape": (np.zeros((3, 2, 1), np.float32), r"expected shape \(3, 2\), got \(3, 2, 1\)"),
    "scalar": (1.0, "shape"),
    "complex": (np.zeros((3, 2), complex), "expected float32, got complex128"),
    "text": (np.full((3, 2), "x"), "array of numbers"),
    "object": (np.full((3, 2), None), "array of numbers, got ndarray"),
    "none": (None, "array of numbers, got NoneType"),
    "ragged": ([[1, 2], [3]], "0.weight"),
    "dict": ({"a": 1}, "array of numbers, got dict"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_does_not_fit_changes_nothing(name):
    value, message = WRONG[name]
    net = small()
    before = net.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    for key in ("0.weight", "1.running_var") if name != "ragged" else ("0.weight",):
        wrong = state | {key: value}
        with pytest.raises(ValueError, match=message if key == "0.weight" else key):
            net.load_state_dict(wrong, strict=key != "0.weight")
        same(before, net.state_dict())


def test_floats_never_become_integers_and_nothing_is_half_loaded():
    net = small()
    before = net.state_dict()
    state = {k: v + 1 for k, v in before.items()} | {"1.num_batches_tracked": np.array(2.0)}
    with pytest.raises(ValueError, match="num_batches_tracked: expected int64, got float64"):
        net.load_state_dict(state)
    same(before, net.state_dict())
    net[0].bias.data.flags.writeable = False
    with pytest.raises(ValueError, match=r"0\.bias: the net's array is read-only"):
        net.load_state_dict(state | {"1.num_batches_tracked": np.array(2)})
    same(before, net.state_dict())


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, bool, ">f4"])
def test_values_are_cast_to_the_dtype_of_the_net(dtype):
    net = small()
    state = {k: np.ones_like(v, dtype if v.ndim else None) for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    assert net[0].weight.dtype == np.float32
    assert net[0].weight.data.all()
    assert net[1].running_mean.dtype == np.float32


def test_tensors_and_lists_are_values_too_and_views_are_copied_first():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    a, b = (p.data.copy() for p in net.parameters())
    swapped = {"0.weight": net[1].weight, "1.weight": net[0].weight.data}
    net.load_state_dict(swapped)
    assert np.array_equal(net[0].weight.data, b)
    assert np.array_equal(net[1].weight.data, a)
    net.load_state_dict({"0.weight": a.tolist()}, strict=False)
    assert np.array_equal(net[0].weight.data, a)


def test_what_is_not_a_state_dict():
    with pytest.raises(TypeError, match=r"got Sequential: pass its state_dict\(\)"):
        small().load_state_dict(small())
    for wrong in ("net.npz", list(small_state()), None):
        with pytest.raises(TypeError, match="expected a dict of arrays by name, got"):
            small().load_state_dict(wrong)
    with pytest.raises(ValueError, match="unexpected: 3"):
        small().load_state_dict(small().state_dict() | {3: np.zeros(1)})


def test_not_strict_returns_what_was_not_used():
    state = small().state_dict()
    del state["0.bias"], state["1.num_batches_tracked"]
    state["more"] = np.zeros(1)
    net = small()
    found = net.load_state_dict(state, strict=False)
    assert found.missing_keys == ["0.bias"]
    assert found.unexpected_keys == ["more"]
    assert np.array_equal(net[0].weight.data, state["0.weight"])


def test_counters_of_batches_may_be_missing():
    state = small().state_dict()
    del state["1.num_batches_tracked"]  # as in PyTorch's files from before 0.4.1
    assert small().load_state_dict(state) == ([], [])


def test_loading_marks_the_update():
    net = nn.Linear(2, 2)
    y = net(mr.tensor([[1.0, 2.0]], requires_grad=True)).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()
