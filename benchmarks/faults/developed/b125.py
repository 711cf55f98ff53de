import numpy as np

LABELS = {
    'id': 'b125',
    'op': 'mean over the valid steps of padded sequences',
    'family': 'wrong scale',
    'wrong_lines': [3],
    'fix': {3: 'each = dy / length[:, None]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 5, 2)), np.array([2, 5, 3])


def forward(x, length):
    keep = np.arange(x.shape[1])[None, :] < length[:, None]
    return (x * keep[..., None]).sum(axis=1) / length[:, None]


def right_backward(dy, x, length):
    keep = np.arange(x.shape[1])[None, :] < length[:, None]
    each = dy / length[:, None]
    return np.where(keep[..., None], each[:, None, :], 0.0), None


def wrong_backward(dy, x, length):
    keep = np.arange(x.shape[1])[None, :] < length[:, None]
    each = dy / x.shape[1]
    return np.where(keep[..., None], each[:, None, :], 0.0), None
