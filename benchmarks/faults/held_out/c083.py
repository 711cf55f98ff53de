import numpy as np

LABELS = {
    'id': 'c083',
    'op': 'triplet loss',
    'family': 'wrong mask/branch',
    'wrong_lines': [4],
    'fix': {4: 'active = (dp - dn + 1.5 > 0).astype(float)'},
    'note': '',
    'source': 'metric learning homework (margin forgotten in the mask)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 8 + seed % 4
    a = rng.standard_normal((n, 3))
    return a, a + 0.6 * rng.standard_normal((n, 3)), a + 0.7 * rng.standard_normal((n, 3))


def forward(anchor, pos, neg):
    dp = ((anchor - pos) ** 2).sum(axis=1)
    dn = ((anchor - neg) ** 2).sum(axis=1)
    return np.maximum(dp - dn + 1.5, 0)


def right_backward(g, anchor, pos, neg):
    dp = ((anchor - pos) ** 2).sum(axis=1)
    dn = ((anchor - neg) ** 2).sum(axis=1)
    active = (dp - dn + 1.5 > 0).astype(float)
    c = 2 * (g * active)[:, None]
    return c * (neg - pos), c * (pos - anchor), c * (anchor - neg)


def wrong_backward(g, anchor, pos, neg):
    dp = ((anchor - pos) ** 2).sum(axis=1)
    dn = ((anchor - neg) ** 2).sum(axis=1)
    active = (dp > dn).astype(float)
    c = 2 * (g * active)[:, None]
    return c * (neg - pos), c * (pos - anchor), c * (anchor - neg)
