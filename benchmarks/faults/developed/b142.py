import numpy as np

LABELS = {
    'id': 'b142',
    'op': 'kernel regression (Nadaraya-Watson)',
    'family': 'missing upstream dy',
    'wrong_lines': [8],
    'fix': {8: 'dk = dout[i] * (y - m) / s'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 5, 6]))
    return rng.standard_normal(3), rng.standard_normal(n), rng.standard_normal(n)


def forward(q, x, y):
    k = np.exp(-0.5 * (q[:, None] - x) ** 2)
    return (k @ y) / k.sum(axis=1)


def right_backward(dout, q, x, y):
    dq, dx, dy = np.zeros_like(q), np.zeros_like(x), np.zeros_like(y)
    for i in range(len(q)):
        k = np.exp(-0.5 * (q[i] - x) ** 2)
        s = k.sum()
        m = k @ y / s
        dy += dout[i] * k / s
        dk = dout[i] * (y - m) / s
        dq[i] = -np.sum(dk * k * (q[i] - x))
        dx += dk * k * (q[i] - x)
    return dq, dx, dy


def wrong_backward(dout, q, x, y):
    dq, dx, dy = np.zeros_like(q), np.zeros_like(x), np.zeros_like(y)
    for i in range(len(q)):
        k = np.exp(-0.5 * (q[i] - x) ** 2)
        s = k.sum()
        m = k @ y / s
        dy += dout[i] * k / s
        dk = (y - m) / s
        dq[i] = -np.sum(dk * k * (q[i] - x))
        dx += dk * k * (q[i] - x)
    return dq, dx, dy
