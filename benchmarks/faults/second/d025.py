import numpy as np

LABELS = {
    'id': 'd025',
    'op': 'linear layer with hard swish',
    'family': 'wrong mask/branch',
    'wrong_lines': [3, 4],
    'fix': {3: 'inside = z > -3', 4: 'slope = np.where(inside, np.where(z < 3, (2 * z + 3) / 6, 1.0), 0.0)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 8))
    return rng.standard_normal((n, 4)), rng.standard_normal((4, 3)) * 2, rng.standard_normal(3) + 0.5


def forward(x, W, b):
    z = x @ W + b
    return z * np.clip(z + 3, 0, 6) / 6


def right_backward(grad_y, x, W, b):
    z = x @ W + b
    inside = z > -3
    slope = np.where(inside, np.where(z < 3, (2 * z + 3) / 6, 1.0), 0.0)
    grad_z = grad_y * slope
    return grad_z @ W.T, x.T @ grad_z, grad_z.sum(0)


def wrong_backward(grad_y, x, W, b):
    z = x @ W + b
    inside = (z > -3) & (z < 3)
    slope = np.where(inside, (2 * z + 3) / 6, 0.0)
    grad_z = grad_y * slope
    return grad_z @ W.T, x.T @ grad_z, grad_z.sum(0)
