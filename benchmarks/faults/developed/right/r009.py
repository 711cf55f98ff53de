import numpy as np

LABELS = {
    'id': 'r009',
    'op': 'variance of values around 1e6',
    'family': 'large inputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (1e6 + rng.standard_normal((4, 5)),)


def forward(x):
    return x.var(axis=1)


def right_backward(dy, x):
    return 2 * dy[:, None] * (x - x.mean(axis=1, keepdims=True)) / x.shape[1]


STEP = lambda x: np.full(x.shape, 0.1)
