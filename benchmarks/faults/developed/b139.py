import numpy as np

LABELS = {
    'id': 'b139',
    'op': 'cosine distance with eps in the denominator',
    'family': 'eps placement',
    'wrong_lines': [8],
    'fix': {8: 'db = g * (a / den - dot / den**2 * na * b / nb)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)) * 0.3, rng.standard_normal((3, 4)) * 0.3


def forward(a, b):
    return 1 - (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 0.05)


def right_backward(dy, a, b):
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    den = na * nb + 0.05
    dot = (a * b).sum(axis=1, keepdims=True)
    g = -dy[:, None]
    da = g * (b / den - dot / den**2 * nb * a / na)
    db = g * (a / den - dot / den**2 * na * b / nb)
    return da, db


def wrong_backward(dy, a, b):
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    den = na * nb + 0.05
    dot = (a * b).sum(axis=1, keepdims=True)
    g = -dy[:, None]
    da = g * (b / den - dot / den**2 * nb * a / na)
    db = g * (a / den - dot / den / nb * b / nb)
    return da, db
