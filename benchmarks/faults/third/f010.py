import numpy as np

LABELS = {
    'id': 'f010',
    'op': 'coordinates of row vectors in another basis, X M⁻¹',
    'family': 'transposed',
    'wrong_lines': [6],
    'fix': {6: 'dM = -Minv.T @ dMinv @ Minv.T'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.standard_normal((n, 3)), 0.4 * rng.standard_normal((3, 3)) + 2 * np.eye(3), rng.standard_normal(3)


def forward(X, M, origin):
    return np.linalg.solve(M.T, (X - origin).T).T


def right_backward(dY, X, M, origin):
    Minv = np.linalg.inv(M)
    Xc = X - origin
    dXc = dY @ Minv.T
    dMinv = Xc.T @ dY
    dM = -Minv.T @ dMinv @ Minv.T
    return dXc, dM, -dXc.sum(axis=0)


def wrong_backward(dY, X, M, origin):
    Minv = np.linalg.inv(M)
    Xc = X - origin
    dXc = dY @ Minv.T
    dMinv = Xc.T @ dY
    dM = -Minv @ dMinv @ Minv
    return dXc, dM, -dXc.sum(axis=0)
