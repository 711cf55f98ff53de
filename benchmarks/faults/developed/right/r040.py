import numpy as np

LABELS = {
    'id': 'r040',
    'op': 'power law of lengths of 1e-9 and rates of 1e9',
    'family': 'several decades',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4, 5]))
    return (rng.random(n) + 0.5) * 1e-9, (rng.random(n) + 0.5) * 1e9


def forward(length, rate):
    return rate * length**2 * 1e6


def right_backward(dy, length, rate):
    return 2e6 * dy * rate * length, 1e6 * dy * length**2


STEP = lambda x: 0.1 * x
