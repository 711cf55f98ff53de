import numpy as np

LABELS = {
    'id': 'r036',
    'op': 'linear system with a Hilbert matrix',
    'family': 'ill-conditioned',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    i = np.arange(4)
    return 1 / (i[:, None] + i + 1.0), rng.standard_normal(4)


def forward(a, b):
    return np.linalg.solve(a, b)


def right_backward(dx, a, b):
    db = np.linalg.solve(a.T, dx)
    return -np.outer(db, np.linalg.solve(a, b)), db


STEP = 1e-6
