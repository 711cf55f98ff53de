import numpy as np

LABELS = {
    'id': 'r105',
    'op': 'loss, accuracy-like score and a large energy packed in one vector',
    'family': 'several outputs of unlike scale',
    'note': 'outputs of 1e-6, 1 and 1e7',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 2)), rng.standard_normal(2)


def forward(x, w):
    s = np.tanh(x @ w)
    return np.array([1e-6 * (s**2).mean(), s.mean(), 1e7 * (1 + (x**2).sum())])


def right_backward(d, x, w):
    s = np.tanh(x @ w)
    ds = (d[0] * 1e-6 * 2 * s + d[1]) / len(s)
    da = ds * (1 - s**2)
    dx = np.outer(da, w) + d[2] * 2e7 * x
    return dx, x.T @ da


STEP = lambda x: np.full(x.shape, 0.3)
LEAST = 1e-2
