import numpy as np

LABELS = {
    'id': 'd015',
    'op': 'masked attention with a row that sees nothing',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 'p = e / np.maximum(e.sum(axis=1, keepdims=True), 1e-30)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    mask = (rng.uniform(size=(4, 5)) < 0.6).astype(int)
    mask[:, 1] = 1
    mask[2] = 0
    return rng.standard_normal((4, 5)), rng.standard_normal((5, 3)), mask


def forward(scores, values, mask):
    e = np.exp(scores - scores.max(axis=1, keepdims=True)) * mask
    return e / np.maximum(e.sum(axis=1, keepdims=True), 1e-30) @ values


def right_backward(dout, scores, values, mask):
    e = np.exp(scores - scores.max(axis=1, keepdims=True)) * mask
    p = e / np.maximum(e.sum(axis=1, keepdims=True), 1e-30)
    dvalues = p.T @ dout
    dp = dout @ values.T
    inner = np.einsum("ij,ij->i", dp, p)[:, None]
    dscores = p * (dp - inner)
    return dscores, dvalues, None


def wrong_backward(dout, scores, values, mask):
    e = np.exp(scores - scores.max(axis=1, keepdims=True)) * mask
    p = e / e.sum(axis=1, keepdims=True)
    dvalues = p.T @ dout
    dp = dout @ values.T
    inner = np.einsum("ij,ij->i", dp, p)[:, None]
    dscores = p * (dp - inner)
    return dscores, dvalues, None
