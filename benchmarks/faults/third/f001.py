import numpy as np

LABELS = {
    'id': 'f001',
    'op': 'Barlow Twins loss of centred embeddings',
    'family': 'wrong scale',
    'wrong_lines': [9],
    'fix': {9: 'dzb = za @ dC / N'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


LAMBDA = 0.3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 8))
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3))


def forward(za, zb):
    za, zb = za - za.mean(0), zb - zb.mean(0)
    C = za.T @ zb / len(za)
    on = ((np.diag(C) - 1) ** 2).sum()
    return on + LAMBDA * ((C ** 2).sum() - (np.diag(C) ** 2).sum())


def right_backward(dloss, za, zb):
    N, D = za.shape
    za = za - za.mean(axis=0)
    zb = zb - zb.mean(axis=0)
    C = za.T @ zb / N
    eye = np.eye(D)
    dC = dloss * 2 * np.where(eye == 1, C - 1, LAMBDA * C)
    dza = zb @ dC.T / N
    dzb = za @ dC / N
    return dza - dza.mean(axis=0), dzb - dzb.mean(axis=0)


def wrong_backward(dloss, za, zb):
    N, D = za.shape
    za = za - za.mean(axis=0)
    zb = zb - zb.mean(axis=0)
    C = za.T @ zb / N
    eye = np.eye(D)
    dC = dloss * 2 * np.where(eye == 1, C - 1, LAMBDA * C)
    dza = zb @ dC.T / N
    dzb = za @ dC / D
    return dza - dza.mean(axis=0), dzb - dzb.mean(axis=0)
