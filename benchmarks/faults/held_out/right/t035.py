import numpy as np

LABELS = {
    'id': 't035',
    'op': 'sum of two inputs: one array is returned for both',
    'family': 'memory order',
    'note': 'the returned gradients share memory with each other',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


def forward(x, skip):
    return x + skip


def right_backward(dy, x, skip):
    d = dy.copy()
    return d, d
