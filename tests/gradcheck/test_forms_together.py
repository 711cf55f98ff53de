"""Functions that return their gradients with their value, and derivatives without an upstream."""

import numpy as np
import pytest

from minires import gradcheck
from minires.gradcheck import check_backward

RNG = np.random.default_rng(2)
X, W, LABELS = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), np.array([0, 1, 2, 1])


def rows(report):
    assert report.error is None, report.error
    assert not report.hygiene, report.hygiene
    return {r.tensor: r.verdict for r in report.rows}


def softmax_loss(x, y):
    p = np.exp(x)
    p /= p.sum(axis=1, keepdims=True)
    dx = p.copy()
    dx[np.arange(len(x)), y] -= 1
    return -np.log(p[np.arange(len(x)), y]).mean(), dx / len(x)


def test_a_loss_with_the_gradient_of_its_input():
    assert rows(gradcheck(softmax_loss, X, LABELS)) == {"x": "PASS"}

    def wrong(x, y):
        loss, dx = softmax_loss(x, y)
        return loss, dx * len(x)

    report = gradcheck(wrong, X, LABELS)
    assert rows(report) == {"x": "FAIL"}
    assert any("wrong returns its gradients with its value" in note for note in report.notes)


def test_fewer_gradients_than_inputs_are_told_by_their_shape():
    def loss(w, x, y, reg):
        scores = x @ w
        return np.sum(scores**2) + reg * np.sum(w * w), 2 * x.T @ scores + 2 * reg * w

    report = gradcheck(loss, W, X, LABELS, reg=0.1)
    assert rows(report) == {"w": "PASS"}
    assert "by their shapes the gradients are taken for those of w" in report.notes


class Net:
    def __init__(self, l2=2.0):
        self.params, self.l2 = {"W1": W, "b1": np.ones(2)}, l2

    def loss(self, x, reg=0.0):
        w, b = self.params["W1"], self.params["b1"]
        h = np.tanh(x @ w + b)
        dz = 2 * h * (1 - h * h)
        grads = {"W1": x.T @ dz + self.l2 * reg * w, "b1": dz.sum(axis=0)}
        return np.sum(h * h) + reg * np.sum(w * w), grads


def test_a_method_with_the_gradients_of_its_parameters():
    assert rows(gradcheck(Net().loss, X)) == {"params['W1']": "PASS", "params['b1']": "PASS"}
    wrong = rows(gradcheck(Net(l2=1.0).loss, X, reg=0.1))
    assert wrong == {"params['W1']": "FAIL", "params['b1']": "PASS"}


def test_a_candidate_may_not_change_the_value():
    pair = gradcheck(softmax_loss, X, LABELS).subject.pair
    assert pair.backward is softmax_loss
    one = np.ones(())
    np.testing.assert_array_equal(
        pair.gradients(softmax_loss, one, [X])[0], softmax_loss(X, LABELS)[1]
    )
    with pytest.raises(Exception, match="another value"):
        pair.gradients(lambda x, y: (0.0, x), one, [X])


@pytest.mark.parametrize(
    ("forward", "derivative", "verdict"),
    [
        (np.sin, np.cos, "PASS"),
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2, "PASS"),
        (np.tanh, lambda x: 1 + np.tanh(x) ** 2, "FAIL"),
        (lambda x: (x**2).sum(), lambda x: 2 * x, "PASS"),
    ],
    ids=["sin", "tanh", "a sign", "of a number"],
)
def test_a_derivative_takes_no_upstream(forward, derivative, verdict):
    report = check_backward(forward, derivative, X)
    assert list(rows(report).values()) == [verdict]
    assert any("takes no upstream" in note for note in report.notes)


def test_a_derivative_that_is_not_elementwise_needs_an_upstream():
    report = check_backward(lambda x, w: x @ w, lambda x, w: (w.T, x.T), X, W)
    assert "give backward the argument dy" in report.error
