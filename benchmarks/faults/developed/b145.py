import numpy as np

LABELS = {
    'id': 'b145',
    'op': 'residual branch with a learned scalar (ReZero)',
    'family': 'wrong scale',
    'wrong_lines': [3],
    'fix': {3: 'dalpha = np.array([np.sum(dy * f)])'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return rng.standard_normal((n, 4)), rng.standard_normal((4, 4)), rng.standard_normal(1)


def forward(x, w, alpha):
    return x + alpha[0] * np.tanh(x @ w)


def right_backward(dy, x, w, alpha):
    f = np.tanh(x @ w)
    dalpha = np.array([np.sum(dy * f)])
    dz = alpha[0] * dy * (1 - f * f)
    return dy + dz @ w.T, x.T @ dz, dalpha


def wrong_backward(dy, x, w, alpha):
    f = np.tanh(x @ w)
    dalpha = np.array([np.mean(dy * f)])
    dz = alpha[0] * dy * (1 - f * f)
    return dy + dz @ w.T, x.T @ dz, dalpha
