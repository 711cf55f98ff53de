import numpy as np

LABELS = {
    'id': 'b008',
    'op': 'contrastive loss of pairs with a margin',
    'family': 'wrong mask/branch',
    'wrong_lines': [4],
    'fix': {4: 'dd = np.where(same == 1, 2 * d, -2 * np.maximum(2.5 - d, 0))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 8))
    same = np.arange(n) % 2
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3)) * 0.3, same


def forward(a, b, same):
    d = np.sqrt(((a - b) ** 2).sum(axis=1))
    return np.where(same == 1, d**2, np.maximum(2.5 - d, 0) ** 2)


def right_backward(dy, a, b, same):
    diff = a - b
    d = np.sqrt((diff**2).sum(axis=1))
    dd = np.where(same == 1, 2 * d, -2 * np.maximum(2.5 - d, 0))
    da = (dy * dd / d)[:, None] * diff
    return da, -da, None


def wrong_backward(dy, a, b, same):
    diff = a - b
    d = np.sqrt((diff**2).sum(axis=1))
    dd = np.where(same == 0, 2 * d, -2 * np.maximum(2.5 - d, 0))
    da = (dy * dd / d)[:, None] * diff
    return da, -da, None
