import numpy as np

LABELS = {
    'id': 'r006',
    'op': 'energies in joule: outputs of 1e-19',
    'family': 'small scale',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random(6) + 0.5,)


def forward(n):
    return -2.18e-18 / n**2


def right_backward(dy, n):
    return dy * 2 * 2.18e-18 / n**3
