import numpy as np

LABELS = {
    'id': 'b116',
    'op': 'bilinear (second-order) pooling',
    'family': 'wrong variable',
    'wrong_lines': [4],
    'fix': {4: 'db = np.einsum("nij,nip->njp", dy, a) / p'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 3, 5))


def forward(a, b):
    return np.einsum("nip,njp->nij", a, b) / a.shape[2]


def right_backward(dy, a, b):
    p = a.shape[2]
    da = np.einsum("nij,njp->nip", dy, b) / p
    db = np.einsum("nij,nip->njp", dy, a) / p
    return da, db


def wrong_backward(dy, a, b):
    p = a.shape[2]
    da = np.einsum("nij,njp->nip", dy, b) / p
    db = np.einsum("nij,nip->njp", dy, a) / a.shape[1]
    return da, db
