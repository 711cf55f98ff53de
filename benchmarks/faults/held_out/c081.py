import numpy as np

LABELS = {
    'id': 'c081',
    'op': 'graph convolution by an edge list',
    'family': 'not accumulated',
    'wrong_lines': [5],
    'fix': {5: 'np.add.at(gm, SRC, message)'},
    'note': '',
    'source': 'message passing in NumPy (buffered fancy += of repeated nodes)',
}


SRC = np.array([0, 0, 1, 2, 3, 3, 4])
DST = np.array([1, 2, 2, 0, 0, 4, 3])


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 4))


def forward(h, w):
    m = h @ w
    out = m.copy()
    np.add.at(out, DST, np.tanh(m[SRC]))
    return out


def right_backward(gout, h, w):
    m = h @ w
    gm = gout.copy()
    message = gout[DST] * (1 - np.tanh(m[SRC]) ** 2)
    np.add.at(gm, SRC, message)
    return gm @ w.T, h.T @ gm


def wrong_backward(gout, h, w):
    m = h @ w
    gm = gout.copy()
    message = gout[DST] * (1 - np.tanh(m[SRC]) ** 2)
    gm[SRC] += message
    return gm @ w.T, h.T @ gm
