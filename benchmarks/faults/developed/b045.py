import numpy as np

LABELS = {
    'id': 'b045',
    'op': 'soft Dice loss',
    'family': 'eps placement',
    'wrong_lines': [4],
    'fix': {4: 'dp = (2 * inter + 0.5) / union**2 - 2 * t / union'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4, 5]))
    return rng.random((n, 6)) * 0.3, (rng.random((n, 6)) > 0.7).astype(np.int64)


def forward(p, t):
    inter = (p * t).sum(axis=1)
    return 1 - (2 * inter + 0.5) / (p.sum(axis=1) + t.sum(axis=1) + 0.5)


def right_backward(dloss, p, t):
    inter = (p * t).sum(axis=1, keepdims=True)
    union = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) + 0.5
    dp = (2 * inter + 0.5) / union**2 - 2 * t / union
    return dloss[:, None] * dp, None


def wrong_backward(dloss, p, t):
    inter = (p * t).sum(axis=1, keepdims=True)
    union = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) + 0.5
    dp = 2 * inter / union**2 - 2 * t / union
    return dloss[:, None] * dp, None
