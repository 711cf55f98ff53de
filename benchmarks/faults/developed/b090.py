import numpy as np

LABELS = {
    'id': 'b090',
    'op': 'cross-entropy with padding tokens ignored',
    'family': 'wrong scale',
    'wrong_lines': [7],
    'fix': {7: 'dlogits[keep] = p * dloss / keep.sum()'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 4)), np.array([2, 0, -100, 3, -100, 1])


def forward(logits, target):
    keep = target != -100
    z = logits[keep]
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(keep.sum()), target[keep]].mean()


def right_backward(dloss, logits, target):
    keep = target != -100
    z = logits[keep]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p[np.arange(len(p)), target[keep]] -= 1
    dlogits = np.zeros_like(logits)
    dlogits[keep] = p * dloss / keep.sum()
    return dlogits, None


def wrong_backward(dloss, logits, target):
    keep = target != -100
    z = logits[keep]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p[np.arange(len(p)), target[keep]] -= 1
    dlogits = np.zeros_like(logits)
    dlogits[keep] = p * dloss / len(target)
    return dlogits, None
