import numpy as np

LABELS = {
    'id': 'r005',
    'op': 'L1 penalty of sparse weights (a third are exactly zero)',
    'family': 'exact zeros',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((6, 5))
    w[rng.random(w.shape) < 0.33] = 0.0
    return (w,)


def forward(w):
    return 0.1 * np.abs(w).sum()


def right_backward(dy, w):
    return 0.1 * dy * np.sign(w)
