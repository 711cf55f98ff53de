import numpy as np

LABELS = {
    'id': 'b007',
    'op': 'focal loss, binary',
    'family': 'wrong factor',
    'wrong_lines': [5],
    'fix': {5: 'dpt = 2 * (1 - pt) * np.log(pt) - (1 - pt) ** 2 / pt'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6, 7]))
    return rng.standard_normal(n), (rng.random(n) > 0.5).astype(np.int64)


def forward(z, t):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(t == 1, p, 1 - p)
    return -((1 - pt) ** 2) * np.log(pt)


def right_backward(dloss, z, t):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(t == 1, p, 1 - p)
    sign = np.where(t == 1, 1.0, -1.0)
    dpt = 2 * (1 - pt) * np.log(pt) - (1 - pt) ** 2 / pt
    dz = dloss * dpt * sign * p * (1 - p)
    return dz, None


def wrong_backward(dloss, z, t):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(t == 1, p, 1 - p)
    sign = np.where(t == 1, 1.0, -1.0)
    dpt = (1 - pt) * np.log(pt) - (1 - pt) ** 2 / pt
    dz = dloss * dpt * sign * p * (1 - p)
    return dz, None
