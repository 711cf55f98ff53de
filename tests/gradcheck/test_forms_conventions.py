"""Which of the returned are outputs, and what backward is called with."""

import numpy as np
import pytest

from minires.gradcheck import check_backward

RNG = np.random.default_rng(6)
X, H, C, W = (RNG.standard_normal(s) for s in ((4, 3), (4, 2), (4, 2), (3, 2)))


def passes(*args, **options):
    report = check_backward(*args, **options)
    assert report.ok, str(report)
    return [r.tensor for r in report.rows]


def cell(x, h0, c0, w):
    h = np.tanh(x @ w + h0)
    c = c0 * h
    cache = (x, h0, c0, w, h)
    return h, c, cache


def cell_backward(dh, dc, cache):
    x, _, c0, w, h = cache
    dz = (dh + dc * c0) * (1 - h * h)
    return dz @ w.T, dz, dc * h, x.T @ dz


def cell_backward_of_a_tuple(douts, cache):
    return cell_backward(*douts, cache)


def nested(x, h0, c0, w):
    h, c, cache = cell(x, h0, c0, w)
    return (h, c), cache


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (cell, cell_backward),
        (cell, cell_backward_of_a_tuple),
        (nested, cell_backward_of_a_tuple),
        (cell, lambda a, b, c: cell_backward(a, b, c)),
        (cell, lambda cache, dh, dc: cell_backward(dh, dc, cache)),
        (lambda *a: cell(*a)[:2], lambda dh, dc, *a: cell_backward(dh, dc, cell(*a)[2])),
    ],
    ids=["one each", "a tuple", "nested", "no names", "cache first", "inputs"],
)
def test_several_outputs_have_an_upstream_each(forward, backward):
    passes(forward, backward, X, H, C, W)


def test_a_wrong_gradient_of_the_second_output_fails():
    def wrong(dh, dc, cache):
        return cell_backward(dh, 0 * dc, cache)

    report = check_backward(cell, wrong, X, H, C, W)
    assert [r.verdict for r in report.rows][:3] == ["FAIL"] * 3
    assert "outputs: h, c" in report.notes


def test_the_caller_may_say_how_many_outputs_there_are():
    def backward(*everything):
        return cell_backward(*everything)

    def saves_an_output(x):
        y = np.exp(x)
        return y, y**2

    passes(cell, backward, X, H, C, W, outputs=2)
    assert passes(saves_an_output, lambda dy, d2: dy * np.exp(X) + d2 * 2 * np.exp(2 * X), X,
                  outputs=2) == ["x"]  # fmt: skip
    with pytest.raises(ValueError, match=r"cell returned h: an array.*give the number"):
        check_backward(cell, backward, X, H, C, W, outputs=4)


def test_an_output_without_upstream_is_said_not_to_be_one():
    def forward(x):
        y = np.exp(x)
        probs = y / y.sum()
        return y, probs

    report = check_backward(forward, lambda dy, x: dy * np.exp(x), X)
    assert report.ok
    assert "not an output: probs" in str(report)


def test_parameters_that_are_saved_and_differentiated_by_name():
    """The style of a well-known course: a dict of parameters, gradients named da_prev, dWf."""

    def lstm_forward(xt, a_prev, parameters):
        a_next = np.tanh(xt @ parameters["Wf"] + a_prev + parameters["bf"])
        c_next, yt_pred = a_next**2, a_next.sum(axis=1)
        cache = (xt, a_next, parameters)
        return a_next, c_next, yt_pred, cache

    def lstm_backward(da_next, dc_next, cache):
        xt, a_next, parameters = cache
        dz = (da_next + 2 * dc_next * a_next) * (1 - a_next**2)
        return {"dxt": dz @ parameters["Wf"].T, "da_prev": dz, "dWf": xt.T @ dz, "dbf": dz.sum(0)}

    parameters = {"Wf": W, "bf": RNG.standard_normal(2)}
    names = passes(lstm_forward, lstm_backward, X, H, parameters)
    assert names == ["xt", "a_prev", "parameters['Wf']", "parameters['bf']"]


def test_the_output_may_be_what_backward_wants():
    def sigmoid(x):
        y = 1 / (1 + np.exp(-x))
        return y

    passes(sigmoid, lambda dy, y: dy * y * (1 - y), X)
    passes(lambda x: 3 * x, lambda dy: 3 * dy, X)


def test_saved_copies_of_inputs_go_by_position():
    passes(lambda x, w: (x @ w, x.copy(), w), lambda dy, x, w: (dy @ w.T, x.T @ dy), X, W)


def test_a_batch_norm_that_keeps_its_statistics_in_a_dict():
    def forward(x, gamma, bn_param):
        mean, std = x.mean(0), x.std(0)
        bn_param["running_mean"] = 0.9 * bn_param["running_mean"] + 0.1 * mean
        xhat = (x - mean) / std
        return gamma * xhat, (xhat, gamma, std)

    def backward(dout, cache):
        xhat, gamma, std = cache
        d = dout * gamma
        return (d - d.mean(0) - xhat * (d * xhat).mean(0)) / std, (dout * xhat).sum(0)

    mean = np.zeros(3)
    for bn_param in ({"running_mean": mean}, {"mode": "train", "running_mean": mean}):
        assert passes(forward, backward, X, np.ones(3), bn_param) == ["x", "gamma"]
    np.testing.assert_array_equal(mean, 0)


@pytest.mark.parametrize(
    ("forward", "backward", "message"),
    [
        (
            lambda x, w: x @ w,
            lambda dy, foo, bar, baz: dy,
            r"cannot tell what to call backward\(dy, foo, bar, baz\) with: forward has 2 arguments "
            r"\(x, w\) and returned an array of shape \(4, 2\)",
        ),
        (lambda x, w: x > 0, lambda dy, x, w: dy, "returned an array of shape .4, 3., bool"),
        (lambda x, w: None, lambda dy, x, w: dy, "returned None: nothing with a gradient"),
    ],
    ids=["too many parameters", "bool", "None"],
)
def test_what_cannot_be_called_is_refused_with_what_was_seen(forward, backward, message):
    with pytest.raises(TypeError, match=message):
        check_backward(forward, backward, X, W)


def test_a_wrong_pass_whose_names_say_nothing_is_called_as_usual():
    """dgamma lacks dy: it is 0 where the upstreams of the saved values are."""

    def forward(x, gamma):
        std = x.std(axis=0)
        xhat = (x - x.mean(axis=0)) / std
        return gamma * xhat, xhat, std, gamma

    def backward(dy, n, s, g):
        d = dy * g
        return (d - d.mean(axis=0) - n * (d * n).mean(axis=0)) / s, n.sum(axis=0) + 0 * dy.sum(0)

    report = check_backward(forward, backward, X, np.ones(3))
    assert [r.verdict for r in report.rows] == ["PASS", "FAIL"]
    assert not report.notes


def test_an_argument_that_forward_overwrites_and_returns_is_still_the_input():
    def forward(x):
        for _ in range(2):
            x = x + np.tanh(x)
        return x

    def backward(dy, x):
        slope = 1.0
        for _ in range(2):
            slope, x = slope * (2 - np.tanh(x) ** 2), x + np.tanh(x)
        return dy * slope

    report = check_backward(forward, backward, np.array([0.3, -0.7]))
    assert report.ok, str(report)
