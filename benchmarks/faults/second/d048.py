import numpy as np

LABELS = {
    'id': 'd048',
    'op': 'attention pooling of a sequence with one learned query',
    'family': 'detached path',
    'wrong_lines': [9],
    'fix': {9: 'dx = a[:, :, None] * dpooled[:, None, :] + dscores[:, :, None] * w'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = int(rng.integers(4, 7))
    return rng.standard_normal((2, t, 3)), rng.standard_normal(3)


def forward(x, w):
    s = x @ w
    a = np.exp(s - s.max(1, keepdims=True))
    a /= a.sum(1, keepdims=True)
    return np.einsum("nt,ntd->nd", a, x)


def right_backward(dpooled, x, w):
    scores = x @ w
    a = np.exp(scores - scores.max(1, keepdims=True))
    a /= a.sum(1, keepdims=True)

    da = np.einsum("nd,ntd->nt", dpooled, x)
    dscores = a * (da - (a * da).sum(1, keepdims=True))
    dw = np.einsum("nt,ntd->d", dscores, x)
    dx = a[:, :, None] * dpooled[:, None, :] + dscores[:, :, None] * w
    return dx, dw


def wrong_backward(dpooled, x, w):
    scores = x @ w
    a = np.exp(scores - scores.max(1, keepdims=True))
    a /= a.sum(1, keepdims=True)

    da = np.einsum("nd,ntd->nt", dpooled, x)
    dscores = a * (da - (a * da).sum(1, keepdims=True))
    dw = np.einsum("nt,ntd->d", dscores, x)
    dx = a[:, :, None] * dpooled[:, None, :]
    return dx, dw
