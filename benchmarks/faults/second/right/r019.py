import numpy as np

LABELS = {
    'id': 'r019',
    'op': 'layer before batch norm, whose bias has no effect',
    'family': 'zero gradient',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 3)), rng.standard_normal((3, 4)), rng.standard_normal(4) * 50


def forward(x, W, b):
    z = x @ W + b
    return (z - z.mean(0)) / z.std(0)


def right_backward(dy, x, W, b):
    z = x @ W + b
    n = (z - z.mean(0)) / z.std(0)
    dz = (len(z) * dy - dy.sum(0) - n * (dy * n).sum(0)) / (len(z) * z.std(0))
    return dz @ W.T, x.T @ dz, dz.sum(0)


OPTIONS = {"expect_zero": ("b",)}
