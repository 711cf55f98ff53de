import numpy as np

LABELS = {
    'id': 'c090',
    'op': 'Dice loss with smoothing',
    'family': 'eps placement',
    'wrong_lines': [4],
    'fix': {4: 'num = 2 * inter + smooth'},
    'note': '',
    'source': 'segmentation code (smooth term in one of the two sums)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((2, 7)), (rng.random((2, 7)) < 0.4).astype(np.int64)


def forward(p, t, smooth=1.0):
    inter = (p * t).sum(axis=1)
    total = p.sum(axis=1) + t.sum(axis=1)
    return 1 - (2 * inter + smooth) / (total + smooth)


def right_backward(dl, p, t, smooth=1.0):
    inter = (p * t).sum(axis=1, keepdims=True)
    total = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) + smooth
    num = 2 * inter + smooth
    dp = -(2 * t * total - num) / total**2
    return dl[:, None] * dp, None


def wrong_backward(dl, p, t, smooth=1.0):
    inter = (p * t).sum(axis=1, keepdims=True)
    total = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) + smooth
    num = 2 * inter
    dp = -(2 * t * total - num) / total**2
    return dl[:, None] * dp, None
