import numpy as np

LABELS = {
    'id': 'r012',
    'op': 'class-weighted cross-entropy, labels and group ids are integers',
    'family': 'integer inputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 4)), np.array([0, 3, 3, 1, 0, 2]), np.array([0, 0, 1, 1, 2, 2]), rng.random(3) + 0.5


def forward(z, label, group, weight):
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -weight[group] * logp[np.arange(6), label]


def right_backward(dy, z, label, group, weight):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    nll = -np.log(p[np.arange(6), label])
    p[np.arange(6), label] -= 1
    dweight = np.bincount(group, weights=dy * nll, minlength=3)
    return p * (dy * weight[group])[:, None], None, None, dweight
