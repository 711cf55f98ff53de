import numpy as np

LABELS = {
    'id': 'd050',
    'op': 'bilinear layer x1ᵀ W x2 + b',
    'family': 'transposed',
    'wrong_lines': [3],
    'fix': {3: 'dW = np.einsum("bo,bi,bj->oij", dy, x1, x2)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n, d, o = 4, int(rng.integers(2, 5)), 2
    r = rng.standard_normal
    return r((n, d)), r((n, d)), r((o, d, d)), r(o)


def forward(x1, x2, W, b):
    return np.einsum("bi,oij,bj->bo", x1, W, x2) + b


def right_backward(dy, x1, x2, W, b):
    db = dy.sum(axis=0)
    dW = np.einsum("bo,bi,bj->oij", dy, x1, x2)
    dx1 = np.einsum("bo,oij,bj->bi", dy, W, x2)
    dx2 = np.einsum("bo,oij,bi->bj", dy, W, x1)
    return dx1, dx2, dW, db


def wrong_backward(dy, x1, x2, W, b):
    db = dy.sum(axis=0)
    dW = np.einsum("bo,bi,bj->oji", dy, x1, x2)
    dx1 = np.einsum("bo,oij,bj->bi", dy, W, x2)
    dx2 = np.einsum("bo,oij,bi->bj", dy, W, x1)
    return dx1, dx2, dW, db
