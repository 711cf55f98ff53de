import numpy as np

LABELS = {
    'id': 'c072',
    'op': 'spectral norm by singular vectors',
    'family': 'transposed',
    'wrong_lines': [5],
    'fix': {5: 'outer = np.outer(u[:, 0], vt[0])'},
    'note': 'the matrix is square',
    'source': 'spectral normalisation of GANs (order of the outer product)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 4)),)


def forward(w):
    return w / np.linalg.norm(w, 2)


def right_backward(dy, w):
    u, s, vt = np.linalg.svd(w)
    sigma = s[0]
    inner = np.sum(dy * w) / sigma**2
    outer = np.outer(u[:, 0], vt[0])
    return dy / sigma - inner * outer


def wrong_backward(dy, w):
    u, s, vt = np.linalg.svd(w)
    sigma = s[0]
    inner = np.sum(dy * w) / sigma**2
    outer = np.outer(vt[0], u[:, 0])
    return dy / sigma - inner * outer
