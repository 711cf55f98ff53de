import numpy as np

LABELS = {
    'id': 'b005',
    'op': 'SiLU',
    'family': 'wrong variable',
    'wrong_lines': [4],
    'fix': {4: 'return g * (sig + out * (1 - sig))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4, 5]))
    return (rng.standard_normal((2, n)),)


def forward(x):
    return x / (1 + np.exp(-x))


def right_backward(g, x):
    sig = 1 / (1 + np.exp(-x))
    out = x * sig
    return g * (sig + out * (1 - sig))


def wrong_backward(g, x):
    sig = 1 / (1 + np.exp(-x))
    out = x * sig
    return g * (sig + out * (1 - out))
