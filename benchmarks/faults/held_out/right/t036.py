import numpy as np

LABELS = {
    'id': 't036',
    'op': 'large elementwise tensor, 240 x 250',
    'family': 'large tensors',
    'note': '60,000 elements',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((240, 250)),)


def forward(x):
    return np.mean(np.tanh(x) ** 2)


def right_backward(g, x):
    t = np.tanh(x)
    return g * 2 * t * (1 - t**2) / x.size


LARGE = True
