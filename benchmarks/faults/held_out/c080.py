import numpy as np

LABELS = {
    'id': 'c080',
    'op': 'mean over time of a masked sequence',
    'family': 'wrong axis',
    'wrong_lines': [4],
    'fix': {4: 'dh = share[:, None, :] * mask[:, :, None]'},
    'note': '',
    'source': 'pooling of sentence embeddings (repeat along the other axis)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 3, 4)), np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]])


def forward(h, mask):
    n = mask.sum(axis=1, keepdims=True)
    return (h * mask[:, :, None]).sum(axis=1) / n


def right_backward(g, h, mask):
    n = mask.sum(axis=1, keepdims=True)
    share = g / n
    dh = share[:, None, :] * mask[:, :, None]
    return dh, None


def wrong_backward(g, h, mask):
    n = mask.sum(axis=1, keepdims=True)
    share = g / n
    dh = share[None, :, :] * mask[:, :, None]
    return dh, None
