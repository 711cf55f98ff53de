import numpy as np

LABELS = {
    'id': 'c025',
    'op': 'Cholesky factor',
    'family': 'wrong factor',
    'wrong_lines': [4],
    'fix': {4: 'insert before: M[np.diag_indices(len(M))] *= 0.5'},
    'note': '',
    'source': 'pytorch/pytorch#18825 and #137284 (halving of the diagonal in Φ)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    a = rng.standard_normal((n, n + 2))
    return (a @ a.T / n + np.eye(n),)


def forward(S):
    return np.linalg.cholesky((S + S.T) / 2)


def right_backward(Lbar, S):
    L = np.linalg.cholesky((S + S.T) / 2)
    M = np.tril(L.T @ Lbar)
    M[np.diag_indices(len(M))] *= 0.5
    Linv = np.linalg.inv(L)
    Sbar = Linv.T @ M @ Linv
    return 0.5 * (Sbar + Sbar.T)


def wrong_backward(Lbar, S):
    L = np.linalg.cholesky((S + S.T) / 2)
    M = np.tril(L.T @ Lbar)
    Linv = np.linalg.inv(L)
    Sbar = Linv.T @ M @ Linv
    return 0.5 * (Sbar + Sbar.T)
