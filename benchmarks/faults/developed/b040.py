import numpy as np

LABELS = {
    'id': 'b040',
    'op': 'Cholesky factor',
    'family': 'wrong factor',
    'wrong_lines': [4],
    'fix': {4: 'insert before: p[np.diag_indices(len(p))] *= 0.5'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 5))
    m = rng.standard_normal((n, n))
    return (m @ m.T + n * np.eye(n),)


def forward(a):
    return np.linalg.cholesky((a + a.T) / 2)


def right_backward(dl, a):
    l = np.linalg.cholesky((a + a.T) / 2)
    p = np.tril(l.T @ dl)
    p[np.diag_indices(len(p))] *= 0.5
    li = np.linalg.inv(l)
    s = li.T @ p @ li
    return (s + s.T) / 2


def wrong_backward(dl, a):
    l = np.linalg.cholesky((a + a.T) / 2)
    p = np.tril(l.T @ dl)
    li = np.linalg.inv(l)
    s = li.T @ p @ li
    return (s + s.T) / 2
