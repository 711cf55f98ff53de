import numpy as np

LABELS = {
    'id': 'f011',
    'op': 'ordered weighted averaging of each row',
    'family': 'dtype or integer division',
    'wrong_lines': [6],
    'fix': {6: 'dx = np.empty_like(x)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return rng.standard_normal((3, n)), rng.standard_normal(n)


def forward(x, w):
    return np.sort(x, axis=1)[:, ::-1] @ w


def right_backward(dy, x, w):
    order = np.argsort(-x, axis=1)
    ranked = np.take_along_axis(x, order, axis=1)
    dw = dy @ ranked
    dranked = np.outer(dy, w)
    dx = np.empty_like(x)
    np.put_along_axis(dx, order, dranked, axis=1)
    return dx, dw


def wrong_backward(dy, x, w):
    order = np.argsort(-x, axis=1)
    ranked = np.take_along_axis(x, order, axis=1)
    dw = dy @ ranked
    dranked = np.outer(dy, w)
    dx = np.empty_like(order)
    np.put_along_axis(dx, order, dranked, axis=1)
    return dx, dw
