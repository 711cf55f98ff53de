import numpy as np

LABELS = {
    'id': 'f004',
    'op': 'siamese encoder with squared distance of two tanh codes',
    'family': 'not accumulated',
    'wrong_lines': [12],
    'fix': {12: 'dW += xb.T @ dzb'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    r = rng.standard_normal
    return r((n, 4)), r((n, 4)), r((4, 3)), r(3)


def forward(xa, xb, W, b):
    return ((np.tanh(xa @ W + b) - np.tanh(xb @ W + b)) ** 2).sum(axis=1)


def right_backward(ddist, xa, xb, W, b):
    ha, hb = np.tanh(xa @ W + b), np.tanh(xb @ W + b)
    dW, db = np.zeros_like(W), np.zeros_like(b)
    ddiff = 2 * (ha - hb) * ddist[:, None]

    dza = ddiff * (1 - ha * ha)
    dW += xa.T @ dza
    db += dza.sum(0)
    dxa = dza @ W.T

    dzb = -ddiff * (1 - hb * hb)
    dW += xb.T @ dzb
    db += dzb.sum(0)
    dxb = dzb @ W.T
    return dxa, dxb, dW, db


def wrong_backward(ddist, xa, xb, W, b):
    ha, hb = np.tanh(xa @ W + b), np.tanh(xb @ W + b)
    dW, db = np.zeros_like(W), np.zeros_like(b)
    ddiff = 2 * (ha - hb) * ddist[:, None]

    dza = ddiff * (1 - ha * ha)
    dW += xa.T @ dza
    db += dza.sum(0)
    dxa = dza @ W.T

    dzb = -ddiff * (1 - hb * hb)
    dW = xb.T @ dzb
    db += dzb.sum(0)
    dxb = dzb @ W.T
    return dxa, dxb, dW, db
