import numpy as np

LABELS = {
    'id': 'c096',
    'op': 'centring and linear map, inputs centred in place',
    'family': 'in-place modification',
    'wrong_lines': [2],
    'fix': {2: 'c = x.copy()'},
    'note': '',
    'source': 'x -= mean in backward, x used again',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5 + seed % 2, 3)), rng.standard_normal(3)


def forward(x, w):
    c = x - x.mean(axis=0)
    return (c**2) @ w + x @ w


def right_backward(g, x, w):
    c = x.copy()
    c -= x.mean(axis=0)
    dw = (c**2).T @ g + x.T @ g
    dc = 2 * c * g[:, None] * w
    dx = dc - dc.mean(axis=0) + np.outer(g, w)
    return dx, dw


def wrong_backward(g, x, w):
    c = x
    c -= x.mean(axis=0)
    dw = (c**2).T @ g + x.T @ g
    dc = 2 * c * g[:, None] * w
    dx = dc - dc.mean(axis=0) + np.outer(g, w)
    return dx, dw
