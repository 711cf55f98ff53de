import numpy as np

LABELS = {
    'id': 'r018',
    'op': 'group norm with one value for each group: gradient is zero',
    'family': 'zero gradient',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal(4), rng.standard_normal(4)


def forward(x, gamma, beta):
    g = x.reshape(3, 4, 1)
    n = (g - g.mean(-1, keepdims=True)) / np.sqrt(g.var(-1, keepdims=True) + 1e-5)
    return n.reshape(x.shape) * gamma + beta


def right_backward(dy, x, gamma, beta):
    return np.zeros_like(x), np.zeros_like(gamma), dy.sum(0)


OPTIONS = {"expect_zero": ("x", "gamma")}
