import numpy as np

LABELS = {
    'id': 'f036',
    'op': 'variance hinge of embeddings (VICReg), unbiased variance',
    'family': 'wrong scale',
    'wrong_lines': [7],
    'fix': {7: 'dz = dvar * 2 * zc / (n - 1)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


GAMMA, EPS = 2.0, 1e-4


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return (rng.standard_normal((n, 3)),)


def forward(z):
    return np.maximum(0, GAMMA - np.sqrt(z.var(axis=0, ddof=1) + EPS)).mean()


def right_backward(dloss, z):
    n, d = z.shape
    zc = z - z.mean(axis=0)
    std = np.sqrt(z.var(axis=0, ddof=1) + EPS)
    dstd = -dloss / d * (std < GAMMA)
    dvar = dstd / (2 * std)
    dz = dvar * 2 * zc / (n - 1)
    return (dz,)


def wrong_backward(dloss, z):
    n, d = z.shape
    zc = z - z.mean(axis=0)
    std = np.sqrt(z.var(axis=0, ddof=1) + EPS)
    dstd = -dloss / d * (std < GAMMA)
    dvar = dstd / (2 * std)
    dz = dvar * 2 * zc / n
    return (dz,)
