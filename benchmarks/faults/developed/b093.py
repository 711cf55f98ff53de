import numpy as np

LABELS = {
    'id': 'b093',
    'op': 'bilinear form',
    'family': 'transposed',
    'wrong_lines': [4],
    'fix': {4: 'da = dy * np.outer(u, v)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(3), rng.standard_normal((3, 3)), rng.standard_normal(3)


def forward(u, a, v):
    return u @ a @ v


def right_backward(dy, u, a, v):
    du = dy * (a @ v)
    dv = dy * (u @ a)
    da = dy * np.outer(u, v)
    return du, da, dv


def wrong_backward(dy, u, a, v):
    du = dy * (a @ v)
    dv = dy * (u @ a)
    da = dy * np.outer(v, u)
    return du, da, dv
