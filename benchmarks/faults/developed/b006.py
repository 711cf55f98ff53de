import numpy as np

LABELS = {
    'id': 'b006',
    'op': 'KL divergence of softmax distributions',
    'family': 'sign',
    'wrong_lines': [7],
    'fix': {7: 'db = q - p'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5)), rng.standard_normal((4, 5))


def forward(a, b):
    la = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
    lb = b - np.log(np.exp(b).sum(axis=1, keepdims=True))
    return (np.exp(la) * (la - lb)).sum(axis=1)


def right_backward(dy, a, b):
    la = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
    lb = b - np.log(np.exp(b).sum(axis=1, keepdims=True))
    p, q = np.exp(la), np.exp(lb)
    kl = (p * (la - lb)).sum(axis=1, keepdims=True)
    da = p * (la - lb - kl)
    db = q - p
    return da * dy[:, None], db * dy[:, None]


def wrong_backward(dy, a, b):
    la = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
    lb = b - np.log(np.exp(b).sum(axis=1, keepdims=True))
    p, q = np.exp(la), np.exp(lb)
    kl = (p * (la - lb)).sum(axis=1, keepdims=True)
    da = p * (la - lb - kl)
    db = p - q
    return da * dy[:, None], db * dy[:, None]
