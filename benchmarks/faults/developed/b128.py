import numpy as np

LABELS = {
    'id': 'b128',
    'op': 'supervised contrastive (InfoNCE) loss of normalised features',
    'family': 'wrong scale',
    'wrong_lines': [9],
    'fix': {9: 'dub = ds.T @ ua / 0.5'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


def _unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def forward(a, b):
    s = _unit(a) @ _unit(b).T / 0.5
    return np.mean(np.log(np.exp(s).sum(axis=1)) - np.diag(s))


def right_backward(dloss, a, b):
    na, nb = (np.linalg.norm(t, axis=1, keepdims=True) for t in (a, b))
    ua, ub = a / na, b / nb
    s = ua @ ub.T / 0.5
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    ds = dloss * (p - np.eye(len(a))) / len(a)
    dua = ds @ ub / 0.5
    dub = ds.T @ ua / 0.5
    da = (dua - ua * (dua * ua).sum(axis=1, keepdims=True)) / na
    db = (dub - ub * (dub * ub).sum(axis=1, keepdims=True)) / nb
    return da, db


def wrong_backward(dloss, a, b):
    na, nb = (np.linalg.norm(t, axis=1, keepdims=True) for t in (a, b))
    ua, ub = a / na, b / nb
    s = ua @ ub.T / 0.5
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    ds = dloss * (p - np.eye(len(a))) / len(a)
    dua = ds @ ub / 0.5
    dub = ds.T @ ua
    da = (dua - ua * (dua * ua).sum(axis=1, keepdims=True)) / na
    db = (dub - ub * (dub * ub).sum(axis=1, keepdims=True)) / nb
    return da, db
