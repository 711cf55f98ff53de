import numpy as np

LABELS = {
    'id': 'b144',
    'op': 'PReLU with a slope per channel',
    'family': 'missing broadcast sum',
    'wrong_lines': [4],
    'fix': {4: 'grad_weight = (grad_output * neg).sum(axis=(0, 2))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 5)), rng.random(3)


def forward(x, a):
    return np.maximum(x, 0) + a[:, None] * np.minimum(x, 0)


def right_backward(grad_output, x, a):
    neg = np.minimum(x, 0)
    grad_input = np.where(x > 0, grad_output, a[:, None] * grad_output)
    grad_weight = (grad_output * neg).sum(axis=(0, 2))
    return grad_input, grad_weight


def wrong_backward(grad_output, x, a):
    neg = np.minimum(x, 0)
    grad_input = np.where(x > 0, grad_output, a[:, None] * grad_output)
    grad_weight = (grad_output * neg).sum(axis=2)
    return grad_input, grad_weight
