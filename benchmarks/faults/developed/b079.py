import numpy as np

LABELS = {
    'id': 'b079',
    'op': 'triplet loss with squared distances',
    'family': 'missing term',
    'wrong_lines': [6],
    'fix': {6: 'return d_ap + d_an, -d_ap, -d_an'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


def forward(a, p, n):
    return np.maximum(((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + 1.5, 0)


def right_backward(dy, a, p, n):
    ap, an = a - p, a - n
    on = ((ap**2).sum(1) - (an**2).sum(1) + 1.5 > 0) * dy
    d_ap = 2 * on[:, None] * ap
    d_an = -2 * on[:, None] * an
    return d_ap + d_an, -d_ap, -d_an


def wrong_backward(dy, a, p, n):
    ap, an = a - p, a - n
    on = ((ap**2).sum(1) - (an**2).sum(1) + 1.5 > 0) * dy
    d_ap = 2 * on[:, None] * ap
    d_an = -2 * on[:, None] * an
    return d_ap, -d_ap, -d_an
