import numpy as np

LABELS = {
    'id': 'b061',
    'op': 'entropy of a masked softmax',
    'family': 'not finite',
    'wrong_lines': [4],
    'fix': {4: 'logp = np.log(np.where(p > 0, p, 1))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 5))
    mask = np.ones((n, 5), dtype=np.int64)
    mask[0, 3:] = 0
    mask[-1, 1] = 0
    return rng.standard_normal((n, 5)), mask


def forward(z, mask):
    e = np.exp(z) * mask
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1)


def right_backward(dy, z, mask):
    e = np.exp(z) * mask
    p = e / e.sum(axis=1, keepdims=True)
    logp = np.log(np.where(p > 0, p, 1))
    h = -(p * logp).sum(axis=1, keepdims=True)
    return -dy[:, None] * p * (logp + h), None


def wrong_backward(dy, z, mask):
    e = np.exp(z) * mask
    p = e / e.sum(axis=1, keepdims=True)
    logp = np.log(p)
    h = -(p * logp).sum(axis=1, keepdims=True)
    return -dy[:, None] * p * (logp + h), None
