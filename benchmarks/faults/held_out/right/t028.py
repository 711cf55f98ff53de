import numpy as np

LABELS = {
    'id': 't028',
    'op': 'batch norm with one constant feature',
    'family': 'near singular',
    'note': 'its variance is 0, only eps keeps it finite',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((6, 3))
    x[:, 1] = 0.75
    return (x,)


def forward(x):
    c = x - x.mean(axis=0)
    return c / np.sqrt((c**2).mean(axis=0) + 1e-5)


def right_backward(dy, x):
    c = x - x.mean(axis=0)
    sd = np.sqrt((c**2).mean(axis=0) + 1e-5)
    y = c / sd
    return (dy - dy.mean(axis=0) - y * (dy * y).mean(axis=0)) / sd


STEP = lambda x: np.full(x.shape, 3e-4)
