import numpy as np

LABELS = {
    'id': 'r008',
    'op': 'layer norm of rows with deviations of 1e-5, eps 1e-14',
    'family': 'scales',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 5)) * 1e-5, rng.standard_normal(5), rng.standard_normal(5)


STEP = lambda x: np.full(x.shape, 1e-3 * max(np.abs(x).max(), 1e-9))


def forward(x, g, b):
    c = x - x.mean(1, keepdims=True)
    return c / np.sqrt((c * c).mean(1, keepdims=True) + 1e-14) * g + b


def right_backward(dy, x, g, b):
    c = x - x.mean(1, keepdims=True)
    r = 1 / np.sqrt((c * c).mean(1, keepdims=True) + 1e-14)
    n = c * r
    dn = dy * g
    dx = r * (dn - dn.mean(1, keepdims=True) - n * (dn * n).mean(1, keepdims=True))
    return dx, (dy * n).sum(0), dy.sum(0)
