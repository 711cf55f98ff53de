"""Hints: right or silent. What misled people once must not come back."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import Function, gradcheck, nn
from minires.gradcheck import check_backward

RNG = np.random.default_rng(8)
X = RNG.standard_normal((4, 5))


def hints(forward, backward, *inputs):
    report = check_backward(forward, backward, *inputs)
    assert not report.ok
    return report.hints


def families(*arguments):
    return [family for family, _ in hints(*arguments)]


# ---- what misled ----
def test_sin_with_dx_equal_to_dy_lacks_the_cosine():
    def forward(x):
        return np.sin(x)

    def backward(dy, x):
        return dy.copy()

    (hint,) = hints(forward, backward, X)
    assert hint[0] == "wrong factor"
    assert "lacks the factor `np.cos(x)`" in hint[1]


def test_round_is_said_to_be_flat():
    def backward(dy, x):
        return dy.copy()

    (hint,) = hints(lambda x: np.round(x), backward, X)
    assert hint[0] == "fact"
    assert "piecewise constant" in hint[1]


def pool(x):
    return x.reshape(2, 3, 2, 3, 2).max(axis=(2, 4))


def test_the_wrong_winner_of_a_maximum_is_no_stride():
    def backward(dy, x):
        dx = np.zeros_like(x)
        for i, j, k in np.ndindex(*dy.shape):
            window = x[i, 2 * j : 2 * j + 2, 2 * k : 2 * k + 2]
            a, b = np.unravel_index(window.argmin(), window.shape)
            dx[i, 2 * j + a, 2 * k + b] = dy[i, j, k]
        return dx

    (hint,) = hints(pool, backward, RNG.standard_normal((2, 6, 6)))
    assert hint[0] == "wrong mask/branch"
    assert "the winners" in hint[1]


def test_a_relu_that_writes_into_its_input_is_left_to_hygiene():
    def forward(x):
        x[x < 0] = 0
        return x

    def backward(dy, x):
        return dy * (x > 0)

    report = check_backward(forward, backward, X)
    assert "inputs unmodified" in report.hygiene
    assert report.hints == []


def test_small_gradients_are_checked():
    def backward(dy, x):
        return 2e-12 * x * dy

    assert check_backward(lambda x: 1e-12 * x * x, backward, X).ok
    assert "vacuous" not in [
        f for f, _ in check_backward(lambda x: 1e-12 * x * x, lambda dy, x: -dy, X).hints
    ]


def test_a_bias_before_batch_norm_is_explained():
    net = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3))
    report = gradcheck(net, X)
    text = dict(report.hints)["vacuous"]
    assert "a bias before batch norm changes nothing" in text
    assert "expect_zero=['0.bias']" in text
    assert "at random" not in text
    assert gradcheck(net, X, expect_zero=["0.bias"]).ok


# ---- families that are named ----
def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def layer_norm(x, g):
    return g * (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def test_wrong_axis():
    def backward(dy, x):
        p = softmax(x)
        inner = (dy * p).sum(axis=0, keepdims=True)
        return p * (dy - inner)

    assert families(softmax, backward, RNG.standard_normal((5, 5))) == ["wrong axis"]


def test_wrong_variable():
    def forward(x):
        return 1 / (1 + np.exp(-x))

    def backward(dy, x):
        s = 1 / (1 + np.exp(-x))
        assert s.shape == x.shape
        return dy * x * (1 - x)

    (hint,) = hints(forward, backward, X)
    line = backward.__code__.co_firstlineno + 3  # in the file, as findings count
    assert hint == ("wrong variable", f"x: it should be `dy * s * (1 - s)` (line {line})")


def test_missing_factor():
    def backward(dy, x, g):
        sd = x.std(axis=1, keepdims=True)
        xhat = (x - x.mean(axis=1, keepdims=True)) / sd
        m1 = dy.mean(axis=1, keepdims=True)
        m2 = (dy * xhat).mean(axis=1, keepdims=True)
        return (dy - m1 - xhat * m2) / sd, (dy * xhat).sum(axis=0)

    report = check_backward(layer_norm, backward, X, np.full(5, 2.0))
    assert any("should have the factor" in text or "lacks" in text for _, text in report.hints)


def test_not_added_up():
    w = RNG.standard_normal((5, 5))

    def forward(x):
        return x + np.tanh(x @ w)

    def backward(dy, x):
        h = dy * (1 - np.tanh(x @ w) ** 2)
        dx = dy.copy()
        dx = h @ w.T
        return dx

    (hint,) = hints(forward, backward, X)
    assert hint[0] == "stale or overwritten buffer"
    assert "line 3 had it, and is overwritten" in hint[1]


def test_a_path_that_is_computed_and_forgotten():
    def forward(x):
        return x * x.mean(axis=1, keepdims=True)

    def backward(dy, x):
        via = (dy * x).sum(axis=1, keepdims=True) / x.shape[1]
        assert via.size
        dx = dy * x.mean(axis=1, keepdims=True)
        return dx

    (hint,) = hints(forward, backward, X)
    assert hint[0] in ("missing term", "detached path")
    assert "via" in hint[1] or "mean" in hint[1]


def test_flipped_kernel():
    def forward(x, w):
        return np.stack([x[i : i + 3] for i in range(5)]) @ w

    x, w = RNG.standard_normal(7), RNG.standard_normal(3)

    def backward(dy, x, w):
        dw = np.array([x[i : i + 5] @ dy for i in range(3)])
        return np.convolve(dy, w[::-1]), dw

    report = check_backward(forward, backward, x, w)
    assert not report.ok
    assert all(family == "fact" for family, _ in report.hints)  # one axis has no mark of its own


@pytest.mark.parametrize(
    ("mean", "variance", "told"),
    [
        (0, 1, "the term of the mean is missing"),
        (1, 0, "the term of the variance is missing"),
        (1, 6, "the term of the variance is scaled by 6"),
        (-1, 1, "the term of the mean is scaled by -1"),
    ],
)
def test_terms_of_a_normalisation_without_any_source(mean, variance, told):
    def forward(x):
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)

    terms = f"{mean} * dy.mean(0) - {variance} * f(x) * (dy * f(x)).mean(0)"
    code = f"lambda dy, x: (dy - {terms}) / sd(x)"
    backward = eval(code, {"f": forward, "sd": lambda x: np.sqrt(x.var(axis=0) + 1e-5)})
    (hint,) = hints(forward, backward, RNG.standard_normal((6, 4)))
    assert told in hint[1]
    assert hint[0] == ("detached path" if 0 in (mean, variance) else "wrong scale")


# ---- silence and facts ----
def test_a_factor_without_a_name_is_only_a_fact():
    def forward(x):
        return np.tanh(0.3917 * x) + 0.1 * x**3

    def backward(dy, x):
        return 1.2345 * dy * (0.3917 * (1 - np.tanh(0.3917 * x) ** 2) + 0.3 * x**2)

    assert set(families(forward, backward, X)) <= {"fact"}


@pytest.mark.parametrize("shape", [(), (1,), (2,)])
def test_of_one_element_nothing_is_said(shape):
    def backward(dy, x):
        return np.asarray(1.7 * np.cos(x) * dy + 0.3)

    report = check_backward(lambda x: np.sin(x) * 1.0, backward, np.full(shape, 0.4))
    assert all(family in ("fact", "missing upstream dy") for family, _ in report.hints)


def test_values_at_other_places_are_a_fact():
    def backward(dy, x):
        return dy.reshape(5, 4).T.reshape(4, 5)[::-1].copy()

    (hint,) = hints(lambda x: x.T.reshape(4, 5), backward, X)
    assert hint[0] == "fact"
    assert "another order" in hint[1]


# ---- the fix that terms propose ----
def test_readme_is_diagnosed():
    def forward(x):
        x_hat, std = (x - x.mean(axis=0)) / x.std(axis=0), x.std(axis=0)
        return x_hat, (x_hat, std)

    def backward(dout, cache):
        return dout / cache[1]

    report = check_backward(forward, backward, RNG.standard_normal((6, 4)))
    assert "through the mean and the variance is missing" in report.hints[0][1]
    found = report.diagnosis[0]
    assert (found.line, found.family) == (2, "detached path")
    assert found.general  # right on moved inputs, too
    assert found.before == "return dout / cache[1]"
    space = {}
    exec(found.source, space)
    assert check_backward(forward, space["backward"], RNG.standard_normal((5, 3)))


# ---- which operation ----
class Crooked(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved
        return 3 * x * dy


def test_a_composition_names_its_first_wrong_operation_and_no_guess():
    def f(x):
        h = x.tanh()
        return F.softmax(Crooked.apply(h) * 2.0)

    report = gradcheck(f, X)
    assert [call.name for call, _ in report.wrong_calls] == ["Crooked"]
    text = " ".join(str(report).split())
    assert "first wrong: Crooked: its gradient of x" in text
    assert "return F.softmax(Crooked.apply(h) * 2.0)" in text
    assert "hint:" not in text
    assert report.diagnosis[0].line == 4
    page = report._repr_html_()
    assert "Operations with a wrong backward pass" in page
    assert "Crooked</strong>: its gradient of x" in page
    assert gradcheck(lambda x: x.tanh() * 2.0, X).wrong_calls == []


def test_no_hint_contradicts_the_line_that_was_found():
    def forward(x):
        return np.log1p(np.exp(x))

    def backward(dy, x):
        return dy * np.exp(x) / (1 + np.exp(-x))

    report = check_backward(forward, backward, X)
    assert report.hints == [("wrong factor", report.hints[0][1])]
    assert report.diagnosis[0].family != "wrong factor"
    assert report.spoken_hints() == []
    assert report.to_dict()["hints"] == []
    assert "factor too many" not in str(report) + report._repr_html_()


def test_a_module_names_its_layer():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(5, 4), nn.Linear(4, 3)

        def forward(self, x):
            return self.second(Crooked.apply(self.first(x)))

    mr.manual_seed(0)
    report = gradcheck(Net(), X)
    assert [call.name for call, _ in report.wrong_calls] == ["Crooked"]
    assert "first wrong: Crooked" in str(report)
    assert report.to_dict()["wrong_calls"][0].startswith("Crooked")
