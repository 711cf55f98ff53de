import numpy as np

LABELS = {
    'id': 'e041',
    'op': 'energy distance between two samples',
    'family': 'not finite',
    'wrong_lines': [6],
    'fix': {6: 'coef = g * weight / D.size / np.where(D > 0, D, 1.0)'},
    'note': '',
    'source': 'mean Euclidean distances, the diagonal within one sample included',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3 + seed % 2, 2)), rng.standard_normal((4, 2)) + 0.5


def dist(a, b):
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))


def forward(x, y):
    return 2 * dist(x, y).mean() - dist(x, x).mean() - dist(y, y).mean()


def right_backward(g, x, y):
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for weight, a, b, da, db in ((2, x, y, dx, dy), (-1, x, x, dx, dx), (-1, y, y, dy, dy)):
        diff = a[:, None, :] - b[None, :, :]
        D = np.sqrt((diff**2).sum(axis=2))
        coef = g * weight / D.size / np.where(D > 0, D, 1.0)
        unit = coef[:, :, None] * diff
        da += unit.sum(axis=1)
        db -= unit.sum(axis=0)
    return dx, dy


def wrong_backward(g, x, y):
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for weight, a, b, da, db in ((2, x, y, dx, dy), (-1, x, x, dx, dx), (-1, y, y, dy, dy)):
        diff = a[:, None, :] - b[None, :, :]
        D = np.sqrt((diff**2).sum(axis=2))
        coef = g * weight / D.size / D
        unit = coef[:, :, None] * diff
        da += unit.sum(axis=1)
        db -= unit.sum(axis=0)
    return dx, dy
