import numpy as np

LABELS = {
    'id': 'd047',
    'op': 'mean of rows by segment, then a linear map',
    'family': 'dtype or integer division',
    'wrong_lines': [8],
    'fix': {8: 'dx = (dpooled / counts)[seg]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    seg = np.array([0, 0, 1, 2, 2, 2, 1, 2])
    return rng.standard_normal((8, 3)), seg, rng.standard_normal((3, 2))


def forward(x, seg, W):
    total = np.zeros((3, x.shape[1]))
    np.add.at(total, seg, x)
    return total / np.bincount(seg, minlength=3)[:, None] @ W


def right_backward(dout, x, seg, W):
    counts = np.bincount(seg, minlength=3)[:, None]
    pooled = np.zeros((3, x.shape[1]))
    np.add.at(pooled, seg, x)
    pooled = pooled / counts
    dW = pooled.T @ dout
    dpooled = dout @ W.T
    dx = (dpooled / counts)[seg]
    return dx, None, dW


def wrong_backward(dout, x, seg, W):
    counts = np.bincount(seg, minlength=3)[:, None]
    pooled = np.zeros((3, x.shape[1]))
    np.add.at(pooled, seg, x)
    pooled = pooled / counts
    dW = pooled.T @ dout
    dpooled = dout @ W.T
    dx = (dpooled // counts)[seg]
    return dx, None, dW
