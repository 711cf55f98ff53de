import numpy as np

LABELS = {
    'id': 'b102',
    'op': 'softmax with a learned temperature',
    'family': 'missing broadcast sum',
    'wrong_lines': [5],
    'fix': {5: 'dtau = -np.array([(dz * x).sum()]) / tau**2'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return rng.standard_normal((n, 5)), rng.random(1) + 0.5


def forward(x, tau):
    e = np.exp(x / tau)
    return e / e.sum(axis=1, keepdims=True)


def right_backward(dy, x, tau):
    p = forward(x, tau)
    dz = p * (dy - (dy * p).sum(axis=1, keepdims=True))
    dx = dz / tau
    dtau = -np.array([(dz * x).sum()]) / tau**2
    return dx, dtau


def wrong_backward(dy, x, tau):
    p = forward(x, tau)
    dz = p * (dy - (dy * p).sum(axis=1, keepdims=True))
    dx = dz / tau
    dtau = -(dz * x).sum(axis=0) / tau**2
    return dx, dtau
