import numpy as np

LABELS = {
    'id': 'r005',
    'op': 'half log-determinant of AᵀA by its pseudo-inverse',
    'family': 'unusual algebra',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((6, 3)),)


def forward(A):
    return np.sum(np.log(np.abs(np.diag(np.linalg.qr(A)[1]))))


def right_backward(dy, A):
    return dy * np.linalg.pinv(A).T
