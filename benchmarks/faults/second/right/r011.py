import numpy as np

LABELS = {
    'id': 'r011',
    'op': 'pairwise distances with softening 1e-3, two points coincide',
    'family': 'near-singular',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((5, 2))
    x[3] = x[1]
    return (x,)


STEP = lambda x: np.full(x.shape, 1e-4)


def forward(x):
    d = x[:, None] - x
    return np.sqrt((d * d).sum(-1) + 1e-6)


def right_backward(dD, x):
    d = x[:, None] - x
    w = (dD + dD.T) / np.sqrt((d * d).sum(-1) + 1e-6)
    return x * w.sum(1, keepdims=True) - w @ x
