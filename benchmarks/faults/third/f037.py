import numpy as np

LABELS = {
    'id': 'f037',
    'op': 'matrix sandwiched between two square factors, A X Bᵀ',
    'family': 'transposed',
    'wrong_lines': [5],
    'fix': {5: 'dX = A.T @ dAX'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    return rng.standard_normal((n, n)), rng.standard_normal((n, 4)), rng.standard_normal((4, 4))


def forward(A, X, B):
    return np.einsum("ij,jk,lk->il", A, X, B)


def right_backward(dY, A, X, B):
    AX = A @ X
    dAX = dY @ B
    dB = dY.T @ AX
    dX = A.T @ dAX
    dA = dAX @ X.T
    return dA, dX, dB


def wrong_backward(dY, A, X, B):
    AX = A @ X
    dAX = dY @ B
    dB = dY.T @ AX
    dX = A @ dAX
    dA = dAX @ X.T
    return dA, dX, dB
