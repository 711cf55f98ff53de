import numpy as np

LABELS = {
    'id': 'b107',
    'op': 'mish',
    'family': 'wrong factor',
    'wrong_lines': [4, 6],
    'fix': {4: 'sech2 = 1 - t**2', 6: 'return dy * (t + x * sech2 * sig)'},
    'note': 'two mistakes',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return (rng.standard_normal((n, 4)),)


def forward(x):
    return x * np.tanh(np.log1p(np.exp(x)))


def right_backward(dy, x):
    sp = np.log1p(np.exp(x))
    t = np.tanh(sp)
    sech2 = 1 - t**2
    sig = 1 / (1 + np.exp(-x))
    return dy * (t + x * sech2 * sig)


def wrong_backward(dy, x):
    sp = np.log1p(np.exp(x))
    t = np.tanh(sp)
    sech2 = 1 - t
    sig = 1 / (1 + np.exp(-x))
    return dy * (t + x * sech2)
