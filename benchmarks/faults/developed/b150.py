import numpy as np

LABELS = {
    'id': 'b150',
    'op': 'ridge regression solved in closed form',
    'family': 'detached path',
    'wrong_lines': [7],
    'fix': {7: 'insert before: dx += x @ (dgram + dgram.T)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6]))
    return rng.standard_normal((n, 3)), rng.standard_normal(n)


def forward(x, y):
    return np.linalg.solve(x.T @ x + 0.5 * np.eye(x.shape[1]), x.T @ y)


def right_backward(dw, x, y):
    gram = x.T @ x + 0.5 * np.eye(x.shape[1])
    w = np.linalg.solve(gram, x.T @ y)
    u = np.linalg.solve(gram, dw)
    dgram = -np.outer(u, w)
    dx = np.outer(y, u)
    dx += x @ (dgram + dgram.T)
    return dx, x @ u


def wrong_backward(dw, x, y):
    gram = x.T @ x + 0.5 * np.eye(x.shape[1])
    w = np.linalg.solve(gram, x.T @ y)
    u = np.linalg.solve(gram, dw)
    dgram = -np.outer(u, w)
    dx = np.outer(y, u)
    return dx, x @ u
