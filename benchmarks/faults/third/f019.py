import numpy as np

LABELS = {
    'id': 'f019',
    'op': 'Gaussian affinities with the mean squared distance as bandwidth',
    'family': 'detached path',
    'wrong_lines': [7],
    'fix': {7: 'dD = -dK * K / s + ds / D.size'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 6))
    return rng.standard_normal((n, 3)), rng.standard_normal((3, 3))


def forward(X, C):
    D = ((X[:, None] - C[None]) ** 2).sum(-1)
    return np.exp(-D / D.mean())


def right_backward(dK, X, C):
    diff = X[:, None, :] - C[None, :, :]
    D = (diff ** 2).sum(axis=-1)
    s = D.mean()
    K = np.exp(-D / s)
    ds = (dK * K * D).sum() / s ** 2
    dD = -dK * K / s + ds / D.size
    ddiff = 2 * dD[:, :, None] * diff
    return ddiff.sum(axis=1), -ddiff.sum(axis=0)


def wrong_backward(dK, X, C):
    diff = X[:, None, :] - C[None, :, :]
    D = (diff ** 2).sum(axis=-1)
    s = D.mean()
    K = np.exp(-D / s)
    ds = (dK * K * D).sum() / s ** 2
    dD = -dK * K / s
    ddiff = 2 * dD[:, :, None] * diff
    return ddiff.sum(axis=1), -ddiff.sum(axis=0)
