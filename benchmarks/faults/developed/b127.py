import numpy as np

LABELS = {
    'id': 'b127',
    'op': 'quadratic form of rows with a general matrix',
    'family': 'transposed',
    'wrong_lines': [3],
    'fix': {3: 'dx = weighted @ (a + a.T)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return rng.standard_normal((n, 4)), rng.standard_normal((4, 4))


def forward(x, a):
    return np.einsum("ni,ij,nj->n", x, a, x)


def right_backward(dy, x, a):
    weighted = dy[:, None] * x
    dx = weighted @ (a + a.T)
    return dx, weighted.T @ x


def wrong_backward(dy, x, a):
    weighted = dy[:, None] * x
    dx = weighted @ (a + a)
    return dx, weighted.T @ x
