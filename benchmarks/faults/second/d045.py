import numpy as np

LABELS = {
    'id': 'd045',
    'op': 'cosine embedding loss with a margin',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'dcos = np.where(y == 1, -1.0, cos > MARGIN) * dloss / len(y)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


MARGIN = 0.3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a, e = rng.standard_normal((6, 4)), rng.standard_normal((6, 4))
    unit = a / np.linalg.norm(a, axis=1, keepdims=True)
    e -= unit * (e * unit).sum(1, keepdims=True)
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    c = np.array([0.15, 0.6, -0.4, 0.7, -0.2, 0.1])[:, None] + 0.05 * rng.uniform(-1, 1, (6, 1))
    b = (c * unit + np.sqrt(1 - c * c) * e) * rng.uniform(0.7, 1.5, (6, 1))
    return a, b, np.array([-1, -1, -1, 1, 1, -1])


def forward(a, b, y):
    cos = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.where(y == 1, 1 - cos, np.maximum(cos - MARGIN, 0)).mean()


def right_backward(dloss, a, b, y):
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    ua, ub = a / na, b / nb
    cos = np.sum(ua * ub, axis=1)
    dcos = np.where(y == 1, -1.0, cos > MARGIN) * dloss / len(y)
    dcos, c = dcos[:, None], cos[:, None]
    da = dcos * (ub - c * ua) / na
    db = dcos * (ua - c * ub) / nb
    return da, db, None


def wrong_backward(dloss, a, b, y):
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    ua, ub = a / na, b / nb
    cos = np.sum(ua * ub, axis=1)
    dcos = np.where(y == 1, -1.0, cos > 0) * dloss / len(y)
    dcos, c = dcos[:, None], cos[:, None]
    da = dcos * (ub - c * ua) / na
    db = dcos * (ua - c * ub) / nb
    return da, db, None
