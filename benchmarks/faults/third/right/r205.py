import numpy as np

LABELS = {
    'id': 'r205',
    'op': 'logarithm of |det| of a matrix with a negative determinant',
    'family': 'unusual algebra',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((4, 4)) + 3 * np.eye(4)
    A[0] *= -1
    return (A,)


def forward(A):
    return np.linalg.slogdet(A)[1]


def right_backward(dy, A):
    q, r = np.linalg.qr(A)
    return (dy * np.linalg.solve(r, q.T).T,)
