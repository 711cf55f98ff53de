import numpy as np

LABELS = {
    'id': 'c098',
    'op': 'focal loss per sample',
    'family': 'missing upstream dy',
    'wrong_lines': [6],
    'fix': {6: 'dz = g * dpt * sign * p * (1 - p)'},
    'note': '',
    'source': 'losses with reduction="none"',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(6 + seed % 3), (rng.random(6 + seed % 3) < 0.5).astype(int)


def forward(z, t, gamma=2.0):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(t == 1, p, 1 - p)
    return -((1 - pt) ** gamma) * np.log(pt)


def right_backward(g, z, t, gamma=2.0):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(t == 1, p, 1 - p)
    sign = np.where(t == 1, 1.0, -1.0)
    dpt = gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt
    dz = g * dpt * sign * p * (1 - p)
    return dz, None


def wrong_backward(g, z, t, gamma=2.0):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(t == 1, p, 1 - p)
    sign = np.where(t == 1, 1.0, -1.0)
    dpt = gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt
    dz = dpt * sign * p * (1 - p)
    return dz, None
