import numpy as np

LABELS = {
    'id': 'b044',
    'op': 'Charbonnier loss',
    'family': 'eps placement',
    'wrong_lines': [4],
    'fix': {4: 'da = dy * r / np.sqrt(r**2 + eps**2) / r.size'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)) * 0.3, rng.standard_normal((4, 3)) * 0.3


def forward(a, b):
    eps = 0.1
    return np.mean(np.sqrt((a - b) ** 2 + eps**2))


def right_backward(dy, a, b):
    eps = 0.1
    r = a - b
    da = dy * r / np.sqrt(r**2 + eps**2) / r.size
    return da, -da


def wrong_backward(dy, a, b):
    eps = 0.1
    r = a - b
    da = dy * r / np.sqrt(r**2 + eps) / r.size
    return da, -da
