import numpy as np

LABELS = {
    'id': 'b095',
    'op': 'batched products by einsum',
    'family': 'transposed',
    'wrong_lines': [3],
    'fix': {3: 'db = np.einsum("bij,bik->bjk", a, g)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 5, 6]))
    return rng.standard_normal((n, 4, 3)), rng.standard_normal((n, 3, 3))


def forward(a, b):
    return np.einsum("bij,bjk->bik", a, b)


def right_backward(g, a, b):
    da = np.einsum("bik,bjk->bij", g, b)
    db = np.einsum("bij,bik->bjk", a, g)
    return da, db


def wrong_backward(g, a, b):
    da = np.einsum("bik,bjk->bij", g, b)
    db = np.einsum("bij,bik->bkj", a, g)
    return da, db
