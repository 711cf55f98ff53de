import numpy as np

LABELS = {
    'id': 'b096',
    'op': 'total variation of an image',
    'family': 'off by one',
    'wrong_lines': [8],
    'fix': {8: 'du[:, :-1] -= right'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 6)),)


def forward(u):
    return np.abs(np.diff(u, axis=0)).sum() + np.abs(np.diff(u, axis=1)).sum()


def right_backward(dy, u):
    down = np.sign(u[1:] - u[:-1])
    right = np.sign(u[:, 1:] - u[:, :-1])
    du = np.zeros_like(u)
    du[1:] += down
    du[:-1] -= down
    du[:, 1:] += right
    du[:, :-1] -= right
    return dy * du


def wrong_backward(dy, u):
    down = np.sign(u[1:] - u[:-1])
    right = np.sign(u[:, 1:] - u[:, :-1])
    du = np.zeros_like(u)
    du[1:] += down
    du[:-1] -= down
    du[:, 1:] += right
    du[:, 1:] -= right
    return dy * du
