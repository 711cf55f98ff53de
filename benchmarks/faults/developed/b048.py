import numpy as np

LABELS = {
    'id': 'b048',
    'op': 'leaky ReLU into a buffer',
    'family': 'dtype or integer division',
    'wrong_lines': [4],
    'fix': {4: 'slope = np.full(x.shape, 0.0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5)),)


def forward(x):
    return np.where(x > 0, x, 0.1 * x)


def right_backward(grad_output, x):
    grad_input = np.full(x.shape, 0.1)
    grad_input *= grad_output
    slope = np.full(x.shape, 0.0)
    slope[x > 0] = 0.9
    return grad_input + slope * grad_output


def wrong_backward(grad_output, x):
    grad_input = np.full(x.shape, 0.1)
    grad_input *= grad_output
    slope = np.full(x.shape, 0)
    slope[x > 0] = 0.9
    return grad_input + slope * grad_output
