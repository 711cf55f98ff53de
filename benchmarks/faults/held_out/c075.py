import numpy as np

LABELS = {
    'id': 'c075',
    'op': 'squared distances between two point sets',
    'family': 'wrong factor',
    'wrong_lines': [4],
    'fix': {4: 'dcentres = 2 * (col[:, None] * centres - g.T @ points)'},
    'note': '',
    'source': 'kernel and clustering code (the 2 multiplies one of the two terms)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal((4, 3))


def forward(points, centres):
    return ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=-1)


def right_backward(g, points, centres):
    row, col = g.sum(axis=1), g.sum(axis=0)
    dpoints = 2 * (row[:, None] * points - g @ centres)
    dcentres = 2 * (col[:, None] * centres - g.T @ points)
    return dpoints, dcentres


def wrong_backward(g, points, centres):
    row, col = g.sum(axis=1), g.sum(axis=0)
    dpoints = 2 * (row[:, None] * points - g @ centres)
    dcentres = 2 * col[:, None] * centres - g.T @ points
    return dpoints, dcentres
