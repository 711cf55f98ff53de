import numpy as np

LABELS = {
    'id': 'b022',
    'op': 'RBF kernel matrix with a length scale',
    'family': 'wrong factor',
    'wrong_lines': [8],
    'fix': {8: 'dell = np.array([(w * sq).sum() / ell[0] ** 3])'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return rng.standard_normal((n, 2)), rng.standard_normal((5, 2)), rng.random(1) + 0.5


def forward(a, b, ell):
    sq = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    return np.exp(-sq / (2 * ell**2))


def right_backward(dk, a, b, ell):
    diff = a[:, None] - b[None]
    sq = (diff**2).sum(axis=-1)
    k = np.exp(-sq / (2 * ell**2))
    w = dk * k
    da = -(w[..., None] * diff).sum(axis=1) / ell**2
    db = (w[..., None] * diff).sum(axis=0) / ell**2
    dell = np.array([(w * sq).sum() / ell[0] ** 3])
    return da, db, dell


def wrong_backward(dk, a, b, ell):
    diff = a[:, None] - b[None]
    sq = (diff**2).sum(axis=-1)
    k = np.exp(-sq / (2 * ell**2))
    w = dk * k
    da = -(w[..., None] * diff).sum(axis=1) / ell**2
    db = (w[..., None] * diff).sum(axis=0) / ell**2
    dell = np.array([(w * sq).sum() / ell[0] ** 2])
    return da, db, dell
