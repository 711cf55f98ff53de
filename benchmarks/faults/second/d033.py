import numpy as np

LABELS = {
    'id': 'd033',
    'op': 'Cayley transform of a skew part, an orthogonal matrix',
    'family': 'transposed',
    'wrong_lines': [9],
    'fix': {9: 'dS -= B.T @ dB @ B.T'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 5))
    return (rng.standard_normal((n, n)) * 0.6,)


def forward(M):
    S = M - M.T
    I = np.eye(len(M))
    return (I - S) @ np.linalg.inv(I + S)


def right_backward(dQ, M):
    I = np.eye(len(M))
    S = M - M.T
    B = np.linalg.inv(I + S)
    # Q = (I - S) B
    dS = -dQ @ B.T
    dB = (I - S).T @ dQ
    # B = inv(I + S)
    dS -= B.T @ dB @ B.T
    return dS - dS.T


def wrong_backward(dQ, M):
    I = np.eye(len(M))
    S = M - M.T
    B = np.linalg.inv(I + S)
    # Q = (I - S) B
    dS = -dQ @ B.T
    dB = (I - S).T @ dQ
    # B = inv(I + S)
    dS -= B @ dB @ B
    return dS - dS.T
