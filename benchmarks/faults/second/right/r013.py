import numpy as np

LABELS = {
    'id': 'r013',
    'op': 'the upstream gradient itself is scaled and handed back',
    'family': 'in-place but legal',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal(4)


def forward(x, s):
    return x * np.exp(s) + s


def right_backward(dy, x, s):
    e = np.exp(s)
    ds = dy.sum(0) + (dy * x * e).sum(0)
    dy *= e
    return dy, ds
