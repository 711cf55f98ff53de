import numpy as np

LABELS = {
    'id': 'c047',
    'op': 'residual block x + relu(x W)',
    'family': 'in-place modification',
    'wrong_lines': [3],
    'fix': {3: 'branch = np.multiply(g, a > 0)'},
    'note': '',
    'source': 'out= and += on a shared array in residual code',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 3))


def forward(x, w):
    return x + np.maximum(x @ w, 0)


def right_backward(g, x, w):
    a = x @ w
    branch = np.multiply(g, a > 0)
    dx = g + branch @ w.T
    dw = x.T @ branch
    return dx, dw


def wrong_backward(g, x, w):
    a = x @ w
    branch = np.multiply(g, a > 0, out=g)
    dx = g + branch @ w.T
    dw = x.T @ branch
    return dx, dw
