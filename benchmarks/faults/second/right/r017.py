import numpy as np

LABELS = {
    'id': 'r017',
    'op': 'product and sum of four shapes, some with axes of length 1',
    'family': 'broadcasting',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    r = rng.standard_normal
    return r((4, 1)), r((3, 1, 5)), r((1, 1, 1)), r(5)


def fit(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def forward(a, b, c, d):
    return a * b + c / (1 + d * d)


def right_backward(dy, a, b, c, d):
    da = fit(dy * b, a.shape)
    db = fit(dy * a, b.shape)
    dc = fit(dy / (1 + d * d), c.shape)
    dd = fit(-2 * dy * c * d / (1 + d * d) ** 2, d.shape)
    return da, db, dc, dd
