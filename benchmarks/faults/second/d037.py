import numpy as np

LABELS = {
    'id': 'd037',
    'op': 'factorisation machine, second order',
    'family': 'missing term',
    'wrong_lines': [8],
    'fix': {8: 'grad_V = x.T @ (g * s) - V * ((x**2).T @ g)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n, f, k = int(rng.integers(4, 7)), 6, 3
    return rng.standard_normal((n, f)), rng.standard_normal(f), rng.standard_normal((f, k))


def forward(x, w, V):
    pairs = 0.5 * ((x @ V) ** 2 - (x**2) @ (V**2)).sum(axis=1)
    return x @ w + pairs


def right_backward(grad_out, x, w, V):
    s = x @ V
    g = grad_out[:, None]
    grad_w = x.T @ grad_out
    grad_x = g * w
    grad_x += g * (s @ V.T)
    grad_x -= g * x * (V**2).sum(axis=1)
    grad_V = x.T @ (g * s) - V * ((x**2).T @ g)
    return grad_x, grad_w, grad_V


def wrong_backward(grad_out, x, w, V):
    s = x @ V
    g = grad_out[:, None]
    grad_w = x.T @ grad_out
    grad_x = g * w
    grad_x += g * (s @ V.T)
    grad_x -= g * x * (V**2).sum(axis=1)
    grad_V = x.T @ (g * s)
    return grad_x, grad_w, grad_V
