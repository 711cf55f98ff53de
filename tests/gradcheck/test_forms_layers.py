"""Objects that keep parameters and gradients, and classes that take a context."""

import numpy as np
import pytest

from minires import gradcheck
from minires.gradcheck import check_backward

RNG = np.random.default_rng(4)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)


def rows(report):
    assert report.error is None, report.error
    assert not report.hygiene, report.hygiene
    return {r.tensor: r.verdict for r in report.rows}


class Linear:
    def __init__(self, w=W, b=B):
        self.W, self.b = w.copy(), b.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T


ALL = {"x": "PASS", "W": "PASS", "b": "PASS"}


def test_a_layer_may_be_given_in_every_way_one_would_try():
    layer = Linear()
    for report in (
        gradcheck(layer, X),
        gradcheck(Linear, X),
        check_backward(layer, X),
        check_backward(layer.forward, layer.backward, X),
    ):
        assert rows(report) == ALL
        assert report.name == "Linear.backward"
        assert "gradients found by name and shape: dW for W, db for b" in report.notes
    assert not hasattr(layer, "dW"), "the check works on copies"


class Wrong(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = -self.dW
        return dx


def test_a_wrong_gradient_of_a_parameter_fails():
    assert rows(gradcheck(Wrong(), X)) == ALL | {"W": "FAIL"}


class Accumulating(Linear):
    def __init__(self):
        super().__init__()
        self.W_grad, self.b_grad = np.ones_like(W), np.ones_like(B)  # of an earlier run

    def backward(self, dy):
        self.W_grad += self.x.T @ dy
        self.b_grad += dy.sum(axis=0)
        return dy @ self.W.T


class InLists:
    def __init__(self):
        self.params, self.grads = [W, B], [np.zeros_like(W), np.zeros_like(B)]

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, dout):
        self.grads[0][...], self.grads[1][...] = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.params[0].T


class InDicts:
    def __init__(self):
        self.params = {"W": W, "b": B}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads = {"W": self.x.T @ dout, "b": dout.sum(axis=0)}
        return dout @ self.params["W"].T


class InAttributesOnly:
    """Nothing is returned: output, dweights, dbiases and dinputs are attributes."""

    def __init__(self):
        self.weights, self.biases = W, B

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights, self.dbiases = self.inputs.T @ dvalues, dvalues.sum(axis=0)
        self.dinputs = dvalues @ self.weights.T


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, None


class WithParameters:
    def __init__(self):
        self.w, self.b = Parameter(W), Parameter(B)

    def forward(self, x):
        self.x = x
        return x @ self.w.data + self.b.data

    def backward(self, dy):
        self.w.grad, self.b.grad = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.w.data.T


class Returning(Linear):
    def backward(self, dy):
        return dy @ self.W.T, self.x.T @ dy, dy.sum(axis=0)


class ReturningADict(Linear):
    def backward(self, dy):
        return dy @ self.W.T, {"W": self.x.T @ dy, "b": dy.sum(axis=0)}


class WithACache(Linear):
    def forward(self, x):
        return x @ self.W + self.b, x

    def backward(self, dy, cache):
        self.dW, self.db = cache.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T


class Aliased(Linear):
    def __init__(self):
        super().__init__()
        self.parameters = [self.W, self.b]


class Plural:
    def __init__(self):
        self._weight, self._bias = W, B

    def forward(self, x):
        self.x = x
        return x @ self._weight + self._bias

    def backward(self, grad):
        self._grad_weights, self._grad_biases = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self._weight.T


class Slots:
    __slots__ = ("W", "W_grad", "b", "b_grad", "x")

    def __init__(self):
        self.W, self.b = W, B

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.W_grad, self.b_grad = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T


@pytest.mark.parametrize(
    ("layer", "tensors"),
    [
        (Plural, "x _weight _bias"),
        (Slots, "x W b"),
        (Accumulating, "x W b"),
        (InLists, "x params[0] params[1]"),
        (InDicts, "x params['W'] params['b']"),
        (InAttributesOnly, "inputs weights biases"),
        (WithParameters, "x w.data b.data"),
        (Returning, "x W b"),
        (ReturningADict, "x W b"),
        (WithACache, "x W b"),
        (Aliased, "x W b"),
    ],
)
def test_places_where_layers_keep_gradients(layer, tensors):
    report = gradcheck(layer(), X)
    assert rows(report) == dict.fromkeys(tensors.split(), "PASS")
    assert "not checked" not in str(report)


def test_a_net_of_layers():
    class Net:
        def __init__(self):
            self.layers = [Linear(RNG.standard_normal((3, 3)), np.ones(3)), Wrong()]

        def forward(self, x):
            for layer in self.layers:
                x = layer.forward(x)
            return x

        def backward(self, dy):
            for layer in reversed(self.layers):
                dy = layer.backward(dy)
            return dy

    found = rows(gradcheck(Net(), X))
    assert list(found) == ["x", *(f"layers[{i}].{p}" for i in (0, 1) for p in "Wb")]
    assert [t for t, verdict in found.items() if verdict == "FAIL"] == ["layers[1].W"]


def test_a_loss_needs_no_upstream():
    class SquaredError:
        def forward(self, p, t):
            self.d = p - t
            return np.mean(self.d**2)

        def backward(self):
            return 2 * self.d / self.d.size

    t = RNG.standard_normal(X.shape)
    assert rows(gradcheck(SquaredError(), X, t, wrt="p")) == {"p": "PASS"}


def test_an_array_without_gradient_on_which_the_output_depends_is_told():
    class Forgetful(Linear):
        def __init__(self):
            super().__init__()
            self.seen = np.zeros(3)  # a statistic

        def backward(self, dy):
            self.dW = self.x.T @ dy
            return dy @ self.W.T

    report = gradcheck(Forgetful(), X)
    assert "not checked: b, on which the output depends" in str(report)
    assert "seen" not in str(report)


def test_a_backward_of_a_layer_without_return_is_told():
    class NoReturn(Linear):
        def backward(self, dy):
            super().backward(dy)

    assert "NoReturn.backward returned no gradient of x" in gradcheck(NoReturn(), X).error


def test_a_class_that_needs_arguments_is_refused():
    class Sized(Linear):
        def __init__(self, n):
            super().__init__()

    with pytest.raises(TypeError, match=r"Sized is a class: .*pass an object, Sized\(…\)"):
        gradcheck(Sized, X)


def test_a_candidate_is_bound_to_a_fresh_copy():
    from minires.gradcheck.forms.choice import of_function

    def right(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T

    subject = of_function(Wrong(), (X,), {})
    assert subject.pair.backward is Wrong.backward
    v = RNG.standard_normal((4, 2))
    np.testing.assert_array_equal(subject.pair.gradients(right, v, subject.arrays)[1], X.T @ v)


# ---- classes with a context ---------------------------------------------------------------------
class Mul:
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, dy):
        a, b = ctx.saved_values
        return dy * b, dy * a


class WrongMul(Mul):
    @classmethod
    def backward(cls, ctx, dy):
        _, b = ctx.saved_tensors
        return dy * b, dy * b


@pytest.mark.parametrize("a", [X, 1.5], ids=["arrays", "scalars"])
def test_a_context_class(a):
    for report in (
        gradcheck(Mul, a, a + 1),
        check_backward(Mul, a, a + 1),
        check_backward(Mul.forward, Mul.backward, a, a + 1),
    ):
        assert rows(report) == {"a": "PASS", "b": "PASS"}
    assert rows(gradcheck(WrongMul, a, a + 1)) == {"a": "PASS", "b": "FAIL"}


def test_a_candidate_gets_a_fresh_context():
    from minires.gradcheck.forms.choice import of_function

    def right(cls, ctx, dy):
        a, b = ctx.saved_tensors
        return dy * b, dy * a

    pair = of_function(WrongMul, (X, X + 1), {}).pair
    assert pair.backward is WrongMul.__dict__["backward"].__func__
    np.testing.assert_array_equal(pair.gradients(right, X, [X, X + 1])[1], X * X)
