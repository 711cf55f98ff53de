import numpy as np

LABELS = {
    'id': 'c050',
    'op': 'sigmoid layer of a numpy network',
    'family': 'missing upstream dy',
    'wrong_lines': [7],
    'fix': {7: 'grad_b = delta.sum(axis=0)'},
    'note': '',
    'source': 'layers that return the local derivative',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2)


def forward(inp, weights, bias):
    return 1 / (1 + np.exp(-(inp @ weights + bias)))


def right_backward(error, inp, weights, bias):
    """Return the errors of the layer below, of the weights and of the bias."""
    out = forward(inp, weights, bias)
    delta = error * out * (1 - out)
    error_below = delta @ weights.T
    grad_w = inp.T @ delta
    grad_b = delta.sum(axis=0)
    return error_below, grad_w, grad_b


def wrong_backward(error, inp, weights, bias):
    """Return the errors of the layer below, of the weights and of the bias."""
    out = forward(inp, weights, bias)
    delta = error * out * (1 - out)
    error_below = delta @ weights.T
    grad_w = inp.T @ delta
    grad_b = (out * (1 - out)).sum(axis=0)
    return error_below, grad_w, grad_b
