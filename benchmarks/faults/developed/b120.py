import numpy as np

LABELS = {
    'id': 'b120',
    'op': 'division by the standard deviation of the batch',
    'family': 'detached path',
    'wrong_lines': [6],
    'fix': {6: 'return direct + via_sd'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 5, 6]))
    return (rng.standard_normal((n, 3)) + 2,)


def forward(x):
    return x / x.std(axis=0)


def right_backward(dy, x):
    n, sd = x.shape[0], x.std(axis=0)
    dsd = -(dy * x).sum(axis=0) / sd**2
    direct = dy / sd
    via_sd = dsd * (x - x.mean(axis=0)) / (n * sd)
    return direct + via_sd


def wrong_backward(dy, x):
    n, sd = x.shape[0], x.std(axis=0)
    dsd = -(dy * x).sum(axis=0) / sd**2
    direct = dy / sd
    via_sd = dsd * (x - x.mean(axis=0)) / (n * sd)
    return direct
