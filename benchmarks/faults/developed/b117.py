import numpy as np

LABELS = {
    'id': 'b117',
    'op': 'smooth L1 loss with beta',
    'family': 'wrong factor',
    'wrong_lines': [3],
    'fix': {3: 'g = np.where(np.abs(r) < beta, r / beta, np.sign(r))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([6, 7, 8]))
    return rng.standard_normal(n) * 2, rng.standard_normal(n)


def forward(p, t):
    beta, d = 0.7, np.abs(p - t)
    return np.where(d < beta, 0.5 * d**2 / beta, d - 0.5 * beta)


def right_backward(dy, p, t):
    beta, r = 0.7, p - t
    g = np.where(np.abs(r) < beta, r / beta, np.sign(r))
    return dy * g, -dy * g


def wrong_backward(dy, p, t):
    beta, r = 0.7, p - t
    g = np.where(np.abs(r) < beta, r, np.sign(r))
    return dy * g, -dy * g
