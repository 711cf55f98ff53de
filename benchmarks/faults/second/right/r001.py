import numpy as np

LABELS = {
    'id': 'r001',
    'op': 'maximum over channels with ties, gradient shared equally (amax)',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.round(rng.standard_normal((3, 5, 4)) * 1.5),)


def forward(x):
    return x.max(axis=1)


def right_backward(dy, x):
    hit = x == x.max(axis=1, keepdims=True)
    return hit * (dy[:, None, :] / hit.sum(axis=1)[:, None, :])
