import numpy as np

LABELS = {
    'id': 'b055',
    'op': 'multi-class hinge (Weston-Watkins)',
    'family': 'missing upstream dy',
    'wrong_lines': [6],
    'fix': {6: 'return active * dy[:, None], None'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 6]))
    return rng.standard_normal((n, 5)), np.arange(n) % 5


def forward(s, t):
    rows = np.arange(len(t))
    m = np.maximum(0, s - s[rows, t][:, None] + 1)
    m[rows, t] = 0
    return m.sum(axis=1)


def right_backward(dy, s, t):
    rows = np.arange(len(t))
    active = (s - s[rows, t][:, None] + 1 > 0).astype(float)
    active[rows, t] = 0
    active[rows, t] = -active.sum(axis=1)
    return active * dy[:, None], None


def wrong_backward(dy, s, t):
    rows = np.arange(len(t))
    active = (s - s[rows, t][:, None] + 1 > 0).astype(float)
    active[rows, t] = 0
    active[rows, t] = -active.sum(axis=1)
    return active, None
