"""Numbers, labels, dicts, options: what of the arguments is differentiated, and what is told."""

import numpy as np
import pytest

from minires.gradcheck import check_backward, gradcheck

RNG = np.random.default_rng(8)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)
LABELS = np.array([0, 2, 1, 2])


def rows(report):
    assert report.error is None, report.error
    return {r.tensor: r.verdict for r in report.rows}


def scale(x, a):
    return x * a


@pytest.mark.parametrize("a", [2.0, np.float64(2), np.float32(2), np.array(2.0)], ids=repr)
def test_numbers_are_differentiated(a):
    right = check_backward(scale, lambda dy, x, a: (dy * a, np.sum(dy * x)), X, a)
    assert rows(right) == {"x": "PASS", "a": "PASS"}
    wrong = check_backward(scale, lambda dy, x, a: (dy * a, -np.sum(dy * x)), X, a)
    assert rows(wrong) == {"x": "PASS", "a": "FAIL"}


def test_a_python_number_without_gradient_is_an_option():
    report = check_backward(scale, lambda dy, x, a: dy * a, X, 2.0)
    assert rows(report) == {"x": "PASS"}
    assert any("a is taken as an option" in note for note in report.notes)
    report = check_backward(scale, lambda dy, x, a: dy * a, X, np.float64(2))
    assert "returned 1 gradient for 2 inputs (x, a)" in report.error


def loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(x)), y]).mean(), (p, y)


def loss_backward(dout, cache):
    p, y = cache
    dx = p.copy()
    dx[np.arange(len(p)), y] -= 1
    return dout * dx / len(p)


@pytest.mark.parametrize("labels", [LABELS, list(LABELS)], ids=["array", "list"])
@pytest.mark.parametrize("with_none", [True, False])
def test_labels_need_no_gradient(labels, with_none):
    def backward(dout, cache):
        return (loss_backward(dout, cache), None) if with_none else loss_backward(dout, cache)

    assert rows(check_backward(loss, backward, X, labels)) == {"x": "PASS"}


def test_a_loss_may_be_a_python_number():
    def forward(x, y):
        value, cache = loss(x, y)
        return float(value), cache

    assert check_backward(forward, loss_backward, X, LABELS)
    assert not check_backward(forward, lambda d, c: 2 * loss_backward(d, c), X, LABELS)


def net(x, params):
    h = np.tanh(x @ params["W1"] + params["b1"])
    return h, (x, h, params)


def net_backward(dy, cache):
    x, h, params = cache
    dz = dy * (1 - h * h)
    return dz @ params["W1"].T, {"W1": x.T @ dz, "b1": dz.sum(axis=0)}


PARAMS = {"W1": W, "b1": B}


def test_each_parameter_of_a_dict_is_a_tensor():
    expected = {"x": "PASS", "params['W1']": "PASS", "params['b1']": "PASS"}
    assert rows(check_backward(net, net_backward, X, PARAMS)) == expected

    def flat(dy, cache):
        dx, grads = net_backward(dy, cache)
        return {"dx": dx, **{f"d{k}": g for k, g in grads.items()}}

    assert rows(check_backward(net, flat, X, PARAMS)) == expected

    def wrong(dy, cache):
        dx, grads = net_backward(dy, cache)
        return dx, grads | {"b1": dy.sum(axis=0)}

    assert rows(check_backward(net, wrong, X, PARAMS)) == expected | {"params['b1']": "FAIL"}


def test_lists_of_dicts():
    def forward(x, layers):
        return x @ layers[0]["w"] @ layers[1]["w"]

    def backward(dy, x, layers):
        a, b = layers[0]["w"], layers[1]["w"]
        return dy @ b.T @ a.T, [{"w": x.T @ dy @ b.T}, {"w": (x @ a).T @ dy}]

    report = check_backward(forward, backward, X, [{"w": RNG.standard_normal((3, 3))}, {"w": W}])
    assert rows(report) == {"x": "PASS", "layers[0]['w']": "PASS", "layers[1]['w']": "PASS"}


def test_options_by_keyword_reach_both_passes():
    def forward(x, w, stride=1):
        return (x @ w)[::stride]

    def backward(dy, x, w, stride=1):
        full = np.zeros((len(x), w.shape[1]))
        full[::stride] = dy
        return full @ w.T, x.T @ full

    assert check_backward(forward, backward, X, W, stride=2)
    assert check_backward(forward, backward, x=X, w=W)
    with pytest.raises(TypeError, match=r"forward: got an unexpected keyword argument 'rtoll'"):
        check_backward(forward, backward, X, W, rtoll=1e-3)


def test_inputs_that_are_not_differentiated_are_named_by_wrt():
    def forward(p, goal):
        return ((p - goal) ** 2).sum()

    def backward(dy, p, goal):
        return 2 * dy * (p - goal)

    report = check_backward(forward, backward, X, X + 1)
    assert "returned 1 gradient for 2 inputs (p, goal)" in report.error
    assert rows(check_backward(forward, backward, X, X + 1, wrt=["p"])) == {"p": "PASS"}
    with pytest.raises(ValueError, match="the floating inputs are p, goal"):
        check_backward(forward, backward, X, X + 1, wrt="q")


def test_dropout_by_numpys_global_generator_is_one_function():
    def forward(x):
        mask = np.random.rand(*x.shape) < 0.5  # noqa: NPY002 (as people write it)
        return x * mask, mask

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert check_backward(forward, lambda dy, mask: dy * mask, X)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def affine(x, w, b):
    return x @ w + b


def affine_backward(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: None, "backward returned nothing (None); does its `return` miss?"),
        (lambda g: g[:2], "backward returned 2 gradients for 3 inputs (x, w, b)"),
        (lambda g: (*g, g[0]), "backward returned 4 gradients for 3 inputs (x, w, b)"),
        (lambda g: (g[0], None, g[2]), "backward returned no gradient of w"),
        (lambda g: {"dx": g[0], "dw": g[1]}, "backward returned no gradient of b"),
        (lambda g: {"u": g[0]}, "a dict with 'u', which are not the names of the inputs (x, w, b)"),
        (lambda g: (g[0], g[1].T, g[2]), "gradient of w has shape (2, 3), w has shape (3, 2)"),
        (lambda g: (g[0], g[1].tolist(), g[2]), "the gradient of w is a list of 3"),
        (lambda g: (g[0], "w", g[2]), "the gradient of w is a str"),
    ],
    ids=["nothing", "too few", "too many", "None", "a key missing", "other keys", "transposed",
         "a list", "text"],
)  # fmt: skip
def test_what_backward_must_not_return(change, message):
    report = check_backward(affine, lambda *a: change(affine_backward(*a)), X, W, B)
    assert report.verdict == "FAIL"
    assert message in report.error


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0], r"x is a list of numbers; pass np.array\(x\)"),
        (np.array([1.0, 2.0], dtype=object), "x is an array of objects"),
    ],
    ids=["a list", "objects"],
)
def test_arguments_that_are_refused(x, message):
    with pytest.raises(TypeError, match=message):
        check_backward(lambda x: x * 2, lambda dy, x: dy * 2, x)


def test_an_error_is_placed_at_the_users_line():
    report = check_backward(affine, lambda dy, x, w, b: np.linalg.inv(dy), X, W, B)
    assert "test_forms_arguments.py, line" in report.error


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.arange(3), r"x is an array of shape \(3,\), int64; .* dtype=float\).*whole numbers"),
        ([1, 2, 3], "x is a list of 3; .* dtype=float"),
        (3, "x is 3; .* dtype=float"),
        (np.ones(2) * 1j, ".* complex128; pass real and imaginary parts as two arrays"),
        (iter("ab"), "x is a str_.*iterator; "),
    ],
)
def test_inputs_without_floats_are_named(x, said):
    def square(x):
        return x * x

    with pytest.raises(ValueError, match=f"^square: there is no floating input to check: {said}"):
        check_backward(square, lambda dy, x: 2 * dy * x, x)


def test_options_that_only_a_keyword_gives_reach_backward():
    def forward(x, *, s=2.0):
        return x * s

    def backward(dy, x, *, s=2.0):
        return dy * s

    assert check_backward(forward, backward, X, s=3.0).ok


def test_the_target_of_a_loss_owes_no_gradient():
    class Squares:
        def forward(self, p, target):
            self.d = p - target
            return (self.d**2).mean()

        def backward(self):
            return 2 * self.d / self.d.size

    report = gradcheck(Squares(), X, X + 1)
    assert rows(report) == {"p": "PASS"}
    assert any("target is taken as an option" in note for note in report.notes)
    wrong = check_backward(lambda p, target: p * target, lambda dy, p, target: dy * target, X, X)
    assert not wrong.ok
