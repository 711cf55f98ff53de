import numpy as np

LABELS = {
    'id': 'd028',
    'op': 'cross-entropy with logits adjusted by class counts',
    'family': 'dtype or integer division',
    'wrong_lines': [8],
    'fix': {8: 'weight = np.full(labels.shape, 1 / n)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return rng.standard_normal((n, 4)), rng.integers(0, 4, n), np.array([50, 20, 5, 1])


def forward(logits, labels, counts):
    z = logits + np.log(counts / counts.sum())
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(labels)), labels].mean()


def right_backward(dloss, logits, labels, counts):
    n = len(labels)
    prior = counts / counts.sum()
    z = logits + np.log(prior)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    probs = e / e.sum(axis=1, keepdims=True)
    probs[np.arange(n), labels] -= 1
    weight = np.full(labels.shape, 1 / n)
    dlogits = dloss * probs * weight[:, None]
    return dlogits, None, None


def wrong_backward(dloss, logits, labels, counts):
    n = len(labels)
    prior = counts / counts.sum()
    z = logits + np.log(prior)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    probs = e / e.sum(axis=1, keepdims=True)
    probs[np.arange(n), labels] -= 1
    weight = np.full_like(labels, 1 / n)
    dlogits = dloss * probs * weight[:, None]
    return dlogits, None, None
