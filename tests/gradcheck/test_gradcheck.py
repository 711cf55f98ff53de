"""gradcheck: verdicts, coverage, kinks, Taylor remainders, modules, and what the report says."""

import json

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import Function, gradcheck, nn
from minires.gradcheck import check_backward

RNG = np.random.default_rng(3)
pytestmark = pytest.mark.usefixtures("undiagnosed")
X = RNG.standard_normal((4, 5))


def row(report, tensor):
    return next(r for r in report.rows if r.tensor == tensor)


# ---- what can be checked ------------------------------------------------------------------------
class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved
        return 3 * x**2 * dy


@pytest.mark.parametrize(
    "f",
    [Cube, Cube.apply, lambda x: Cube.apply(x) * 2.0],
    ids=["Function", "apply", "function of Tensors"],
)
def test_ways_to_give_a_function(f):
    report = gradcheck(f, X)
    assert report
    assert report.ok
    assert report.verdict == "PASS"
    assert report.rows[0].tensor == "x"
    assert report.rows[0].checked == report.rows[0].total == 20
    assert report.max_rel < 1e-7


def test_tensors_are_inputs_too_and_stay_untouched():
    x = mr.tensor(X, dtype=np.float64, requires_grad=True)
    assert gradcheck(Cube, x)
    assert x.grad is None
    np.testing.assert_array_equal(x.data, X)


def test_a_deep_composition_needs_no_wider_tolerance():
    def deep(x, factor=1.0):
        for _ in range(30):
            x = (x + 0.1).tanh()
        return Cube.apply(x) if factor == 1 else wrong_cube(factor).apply(x)

    assert gradcheck(deep, X).ok
    assert gradcheck(lambda x: deep(x, 1 + 1e-6), X).verdict == "FAIL"


def test_float32_is_cast_with_a_note_and_integers_pass_through():
    logits, target = RNG.standard_normal((6, 4)).astype(np.float32), np.array([0, 1, 2, 3, 0, 1])
    report = gradcheck(lambda x, t: F.cross_entropy(x, t), logits, target)
    assert report.ok
    assert [r.tensor for r in report.rows] == ["x"]
    assert "x was cast from float32 to float64" in str(report)
    assert logits.dtype == np.float32


def test_module_is_checked_by_parameter_and_left_alone():
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5)
    )
    before = {k: v.copy() for k, v in net.state_dict().items()}
    mr.manual_seed(5)
    first = mr.random.generator().random()
    mr.manual_seed(5)
    report = gradcheck(net, RNG.standard_normal((3, 2, 5, 4)))
    assert report.ok, str(report)
    assert [r.tensor for r in report.rows[1:]] == ["0.weight", "1.weight", "1.bias"]
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)
        assert np.asarray(value).dtype == before[key].dtype
    assert all(p.grad is None for p in net.parameters())
    assert mr.random.generator().random() == first


def test_buffers_are_put_back_before_every_evaluation():
    class Decaying(nn.Module):
        """Scales by a buffer that halves at every call."""

        def __init__(self):
            super().__init__()
            self.register_buffer("scale", np.ones(1, np.float32))

        def forward(self, x):
            self.scale *= np.float32(0.5)
            return x * mr.tensor(self.scale.copy(), dtype=x.dtype)

    report = gradcheck(Decaying(), X)
    assert report.ok, str(report)


def test_frozen_parameters_are_not_checked():
    layer = nn.Linear(5, 3)
    layer.weight.requires_grad_(False)
    report = gradcheck(layer, X)
    assert report.ok
    assert [r.tensor for r in report.rows[1:]] == ["bias"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gradcheck(3, X), TypeError, "expected a function of Tensors"),
        (lambda: gradcheck(Cube, [1.0, 2.0]), TypeError, "pass np.array"),
        (lambda: gradcheck(lambda t: t, np.arange(3)), ValueError, "no floating input"),
        (lambda: gradcheck(Cube, X, mode="fast"), ValueError, "mode: expected"),
        (lambda: gradcheck(lambda x: x.data, X), TypeError, "returned an array of shape"),
        (lambda: gradcheck(lambda x: nn.Linear(5, 2)(x), X), TypeError, "float32"),
    ],
    ids=["no function", "a list", "integers only", "mode", "an array out", "mixed dtypes"],
)
def test_wrong_calls(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_output_that_is_not_finite():
    report = gradcheck(lambda x: x.log(), -np.abs(X))
    assert report.verdict == "UNDECIDED"
    assert "NaN or infinite" in str(report)


def test_forward_is_named_where_it_is_not_finite():
    def root(x):
        return np.sqrt(x)

    report = check_backward(root, lambda dy, x: dy / 2 / np.sqrt(x), np.array([1.0, -1.0, -2.0]))
    assert report.verdict == "UNDECIDED"
    assert "root gives NaN or infinite values for 2 of 3 outputs, first at (1)" in str(report)
    assert report.to_dict()["reason"] == report.reason


@pytest.mark.parametrize("name", ["x", "a_name_of_a_tensor_that_goes_on_for_ever_and_ever"])
def test_a_terminal_of_100_columns_shows_the_verdict(name):
    report = check_backward(
        lambda x: np.maximum(x, 0),
        lambda dy, x: -dy * (x > 0),
        np.append(np.zeros(5), 1.5).reshape(1, 1, 1, 6),
        names=[name],
    )
    table = str(report).splitlines()[1:3]
    assert table[1].rstrip().endswith("FAIL")
    prose = [x for x in str(report).splitlines() if "| " not in x or "|a" in x]
    assert max(map(len, prose)) <= 92


def test_an_output_whose_last_digit_flickers_stops_no_check():
    """Attention: a short step changes the last digit of a weight, a longer one happens not to."""

    def weights(q, k):
        e = np.exp(q @ k.transpose(0, 2, 1) / 2)
        return e / e.sum(-1, keepdims=True)

    def attention(q, k, v):
        p = weights(q, k)
        return p @ v, p

    def attention_backward(dy, dp, q, k, v):
        p = weights(q, k)
        dp = dy @ v.transpose(0, 2, 1) + dp
        ds = p * (dp - (dp * p).sum(-2, keepdims=True)) / 2
        return ds @ k, ds.transpose(0, 2, 1) @ q, p.transpose(0, 2, 1) @ dy

    normal = np.random.default_rng(0).standard_normal
    for _ in range(3):
        q, k, v = normal((2, 3, 4)), normal((2, 3, 4)), normal((2, 3, 5))
        report = check_backward(attention, attention_backward, q, k, v)
        assert [row.verdict for row in report.rows] == ["FAIL", "FAIL", "PASS"]


def test_columns_that_say_nothing_are_left_out():
    some = str(check_backward(lambda x: np.abs(x), lambda dy, x: dy * np.sign(x), np.arange(3.0)))
    assert "kinks" in some.splitlines()[1]
    none = str(check_backward(lambda x: x * x, lambda dy, x: 2 * dy * x, np.arange(3.0)))
    assert not {"kinks", "directions", "/"} & set(none.splitlines()[1].split())


# ---- verdicts -----------------------------------------------------------------------------------
def test_upstream_is_not_ones():
    """With dy = 1 a batch norm that returns zeros would pass; see also the mutants."""
    report = gradcheck(lambda x: (x - x.mean(0)) / (x.var(0) + 1e-5).sqrt(), X)
    assert report.ok
    assert np.abs(report.rows[0].numeric) > 1e-3


def test_vacuous():
    bn = nn.BatchNorm1d(5).double()
    report = gradcheck(lambda x: bn(x).sum(), X)
    assert not report
    assert report.verdict == "VACUOUS"
    assert report.rows[0].verdict == "VACUOUS"
    assert report.hints[0][0] == "vacuous"


def test_undecided_where_the_gradient_drowns_in_rounding():
    """1e9 + 1e-4 x: the last digit of y is 1e-7, so no step shows more than two digits."""
    report = gradcheck(lambda x: x * 1e-4 + 1e9, X)
    assert report.verdict == "UNDECIDED"
    assert not report
    assert "known to less than 4 digits" in report.rows[0].reason
    assert f"undecided: x: {report.rows[0].reason}" in " ".join(str(report).split())


def test_expected_zeros():
    def f(a, b):
        return a * a + b * 0.0

    assert row(gradcheck(f, X, X), "b").verdict == "VACUOUS"
    assert gradcheck(f, X, X, expect_zero=["b"])
    assert not gradcheck(f, X, X, expect_zero=["a", "b"]), "a is not zero"
    assert not gradcheck(f, X, X, expect_zero=True)


def test_worst_element_is_shown():
    def backward(dy, x):
        dx = 2 * x * dy
        dx[1, 2] *= 1.001
        dx[3, 4] *= 1.5
        return dx

    report = check_backward(lambda x: x * x, backward, X)
    assert not report.ok
    found = report.rows[0]
    assert found.where == "(3, 4)"
    assert found.analytic == pytest.approx(1.5 * found.numeric)
    assert found.rel == pytest.approx(1 / 3, rel=1e-6)
    assert found.ratio == pytest.approx(1)


def test_a_wrong_entry_is_shown_rather_than_a_direction():
    report = check_backward(lambda x: x - x.mean(0), lambda dy, x: dy.copy(), X)
    assert report.rows[0].where.startswith("(")


def test_tiny_entries_are_judged_on_the_scale_of_their_tensor():
    x = np.array([1e-9, 1.0, 2.0])
    assert gradcheck(Cube, x)
    report = check_backward(lambda x: x * x, lambda dy, x: 2 * dy * x + 1e-5 * dy, x)
    assert not report.ok, "1e-5 is far above the noise, though small beside the largest entry"


def test_rtol_is_the_callers():
    def f(dy, x):
        return 2.001 * x * dy

    assert not check_backward(lambda x: x * x, f, X)
    assert check_backward(lambda x: x * x, f, X, rtol=1e-3)


def test_raise_on_failure_carries_the_table():
    with pytest.raises(AssertionError, match="has the wrong sign"):
        gradcheck(wrong_cube(-1.0), X, raise_on_failure=True)
    with pytest.raises(AssertionError, match="has the wrong sign"):
        check_backward(lambda x: x * x, lambda dy, x: -2 * dy * x, X, raise_on_failure=True)


def test_report_is_a_table_and_plain_json():
    report = gradcheck(Cube, X)
    header = str(report).splitlines()[1].split()
    for column in ("tensor", "shape", "checked", "where", "analytic", "numeric"):
        assert column in header
    assert "rule: |a - n| <=" in str(report)
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert document["verdict"] == "PASS"
    assert document["rows"][0]["shape"] == [4, 5]
    broken = check_backward(lambda x: x * x, lambda dy, x: dy * np.inf, X, mode="both")
    json.dumps(broken.to_dict(), allow_nan=False)
    assert broken.hints[0][0] == "not finite"


# ---- coverage -----------------------------------------------------------------------------------
def test_one_wrong_entry_of_a_thousand_is_found_by_directions():
    x = RNG.standard_normal(1000)
    for index in range(0, 1000, 100):

        def backward(dy, x, index=index):
            dx = 2 * x * dy
            dx[index] *= 1.05
            return dx

        report = check_backward(lambda x: x * x, backward, x, max_elements=100)
        assert not report.ok, index
        assert report.rows[0].checked == 32
        assert report.rows[0].directions == 9
        assert "sampled" in str(report)
    assert check_backward(lambda x: x * x, lambda dy, x: 2 * x * dy, x, max_elements=100)


def test_small_tensors_are_checked_whole_beside_large_ones():
    report = gradcheck(lambda x, w, b: x @ w + b, RNG.standard_normal((50, 30)),
                       RNG.standard_normal((30, 20)), np.ones(20))  # fmt: skip
    assert report.ok
    assert row(report, "x").checked == 32
    assert row(report, "b").checked == 20


def test_empty_batch_has_nothing_to_check():
    report = gradcheck(lambda x: x * x, np.zeros((0, 3)))
    assert report.ok
    assert report.rows[0].total == 0


# ---- kinks --------------------------------------------------------------------------------------
class SilentReLU(Function):
    """A ReLU that reports no branches."""

    @staticmethod
    def forward(ctx, x):
        ctx.save(x > 0)
        return np.maximum(x, 0)

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.saved[0]


@pytest.mark.parametrize("f", [lambda x: x.relu(), SilentReLU], ids=["reported", "silent"])
def test_kinks_are_counted_and_left_out(f):
    x = np.concatenate([np.linspace(-2, -0.5, 20), np.linspace(0.5, 2, 20)])
    assert gradcheck(f, x).rows[0].kinks == 0
    x[3] = 0.0
    report = gradcheck(f, x)
    assert report.ok, str(report)
    assert report.rows[0].kinks == 1
    assert report.rows[0].checked == 39
    x[:3] = 0.0
    report = gradcheck(f, x)
    assert report.ok, str(report)
    assert report.rows[0].kinks == 4
    assert "x: 4 of 40 elements lie at a kink" in str(report)
    report = gradcheck(f, np.zeros(40))
    assert report.verdict == "UNDECIDED"
    assert "all 40 elements lie at a kink" in str(report)


def test_a_kink_element_lies_between_the_slopes_of_its_sides():
    x = np.concatenate([np.zeros(1), np.linspace(0.5, 2, 20)])
    for slope, verdict in ((0.0, "PASS"), (0.5, "PASS"), (1.0, "PASS"), (2.0, "UNDECIDED")):

        def backward(dy, x, slope=slope):
            return dy * np.where(x == 0, slope, x > 0)

        report = check_backward(lambda x: np.maximum(x, 0), backward, x)
        assert report.verdict == verdict, str(report)


def test_a_kink_near_by_is_stepped_around():
    x = np.concatenate([np.full(10, 3e-6), np.full(10, -3e-6)])
    report = gradcheck(lambda x: x.relu(), x)
    assert report.ok, str(report)
    assert report.rows[0].kinks == 0
    assert not check_backward(
        lambda x: np.maximum(x, 0),
        lambda dy, x: dy * (x > -1),
        x,
        branch=lambda x: x > 0,
    )


def test_a_wrong_gradient_is_not_taken_for_a_kink():
    wrong = check_backward(lambda x: x**3, lambda dy, x: 2.9 * x**2 * dy, X)
    assert wrong.rows[0].kinks == 0
    assert not wrong.ok


def test_ties_of_a_maximum():
    x = RNG.standard_normal((1, 1, 8, 8))
    x[0, 0, 0, :2] = 5.0
    report = gradcheck(lambda x: F.max_pool2d(x, 2), x)
    assert report.ok, str(report)
    assert report.rows[0].kinks == 2


# ---- Taylor remainders --------------------------------------------------------------------------
def wrong_cube(factor):
    class Wrong(Cube):
        @staticmethod
        def backward(ctx, dy):
            return factor * Cube.backward(ctx, dy)

    return Wrong


def test_taylor_slopes():
    right = gradcheck(Cube, X, mode="taylor")
    assert right.ok
    assert right.rows == []
    assert right.taylor.slope == pytest.approx(2, abs=0.05)
    for factor in (0.0, -1.0, 1.03):
        wrong = gradcheck(wrong_cube(factor), X, mode="taylor")
        assert not wrong.ok
        assert wrong.taylor.slope == pytest.approx(1, abs=0.15)
        assert "slope 1." in str(wrong) or "slope 0.9" in str(wrong)


def test_taylor_remainders_fall_by_four_per_halved_step():
    result = gradcheck(Cube, X, mode="taylor").taylor
    ratios = np.array(result.remainders[:-1]) / np.array(result.remainders[1:])
    np.testing.assert_allclose(ratios[-3:], 4, rtol=0.05)


def test_taylor_of_linear_constant_and_kinked_functions():
    assert "linear" in str(gradcheck(lambda x: x * 2.0, X, mode="taylor"))
    assert gradcheck(lambda x: x * 2.0, X, mode="taylor").ok
    constant = gradcheck(lambda x: (x - x.mean()).sum(), X, mode="taylor")
    assert constant.verdict == "VACUOUS"
    x = np.concatenate([np.zeros(500), X.ravel()])
    kinked = gradcheck(lambda x: x.relu(), x, mode="taylor")
    assert kinked.verdict == "UNDECIDED"
    assert "kink" in str(kinked)


def test_both_modes():
    report = gradcheck(wrong_cube(1.03), X, mode="both")
    assert report.rows[0].verdict == "FAIL"
    assert not report.taylor.ok


# ---- pairs of functions -------------------------------------------------------------------------
def test_pair_with_saved_values_and_names():
    def forward(x, w):
        return x @ w, x, w

    def backward(dy, x, w):
        return dy @ w.T, x.T @ dy

    report = check_backward(forward, backward, X, RNG.standard_normal((5, 3)))
    assert report.ok
    assert [r.tensor for r in report.rows] == ["x", "w"]
    assert report.name == "backward"
    named = check_backward(forward, backward, X, np.eye(5), names=["activations", "weights"])
    assert [r.tensor for r in named.rows] == ["activations", "weights"]


def test_pair_with_integer_labels():
    def forward(x, labels):
        return x[np.arange(len(x)), labels]

    def backward(dy, x, labels):
        dx = np.zeros_like(x)
        dx[np.arange(len(x)), labels] = dy
        return dx, None

    assert check_backward(forward, backward, X, np.array([0, 4, 2, 2]))
