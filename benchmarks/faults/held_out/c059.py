import numpy as np

LABELS = {
    'id': 'c059',
    'op': 'matrix factorisation with missing entries',
    'family': 'wrong mask/branch',
    'wrong_lines': [4, 5],
    'fix': {4: 'dU = g * R @ V', 5: 'dV = g * R.T @ U'},
    'note': 'two lines',
    'source': 'recommender exercises (residual of unobserved entries)',
}


MASK = np.random.default_rng(3).random((5, 6)) < 0.6


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 2)), rng.standard_normal((6, 2)), rng.standard_normal((5, 6))


def forward(U, V, ratings):
    E = (U @ V.T - ratings)[MASK]
    return 0.5 * np.sum(E**2)


def right_backward(g, U, V, ratings):
    E = U @ V.T - ratings
    R = np.where(MASK, E, 0.0)
    dU = g * R @ V
    dV = g * R.T @ U
    return dU, dV, -g * R


def wrong_backward(g, U, V, ratings):
    E = U @ V.T - ratings
    R = np.where(MASK, E, 0.0)
    dU = g * E @ V
    dV = g * E.T @ U
    return dU, dV, -g * R
