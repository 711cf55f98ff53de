import numpy as np

LABELS = {
    'id': 'b137',
    'op': 'cross-entropy with label smoothing',
    'family': 'dtype or integer division',
    'wrong_lines': [2],
    'fix': {2: 'onehot = np.zeros(z.shape)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6]))
    return rng.standard_normal((n, 4)), np.arange(n) % 4


def forward(z, label):
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -0.8 * logp[np.arange(len(label)), label] - 0.2 * logp.mean(axis=1)


def right_backward(dy, z, label):
    onehot = np.zeros(z.shape)
    onehot[:] = 0.2 / z.shape[1]
    onehot[np.arange(len(label)), label] = 0.8 + 0.2 / z.shape[1]
    p = np.exp(z)
    p /= p.sum(axis=1, keepdims=True)
    return (p - onehot) * dy[:, None], None


def wrong_backward(dy, z, label):
    onehot = np.zeros(z.shape, dtype=label.dtype)
    onehot[:] = 0.2 / z.shape[1]
    onehot[np.arange(len(label)), label] = 0.8 + 0.2 / z.shape[1]
    p = np.exp(z)
    p /= p.sum(axis=1, keepdims=True)
    return (p - onehot) * dy[:, None], None
