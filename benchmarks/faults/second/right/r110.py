import numpy as np

LABELS = {
    'id': 'r110',
    'op': 'least squares with two nearly collinear columns',
    'family': 'near-singular',
    'note': 'condition number about 1e4, gradient by the pseudo-inverse',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((6, 3))
    A[:, 2] = A[:, 0] + 5e-4 * rng.standard_normal(6)
    return A, A @ np.array([1.0, -2.0, 0.5]) + 1e-3 * rng.standard_normal(6)


def forward(A, b):
    return np.linalg.lstsq(A, b, rcond=None)[0]


def right_backward(dx, A, b):
    P = np.linalg.pinv(A)
    x = P @ b
    r = b - A @ x
    u = P.T @ dx
    dA = np.outer(r, P @ u) - np.outer(u, x)
    return dA, u


STEP = lambda x: np.full(x.shape, 3e-5)
LEAST = 1e-3
