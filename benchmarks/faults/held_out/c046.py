import numpy as np

LABELS = {
    'id': 'c046',
    'op': 'PReLU with a slope per channel',
    'family': 'in-place modification',
    'wrong_lines': [3],
    'fix': {3: 'dx = dout.copy()'},
    'note': '',
    'source': "layers that reuse the upstream's memory",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4 + seed % 3, 3)), rng.random(3)


def forward(x, slope):
    return np.where(x > 0, x, slope * x)


def right_backward(dout, x, slope):
    neg = x < 0
    dx = dout.copy()
    dx[neg] *= np.broadcast_to(slope, x.shape)[neg]
    dslope = (dout * x * neg).sum(axis=0)
    return dx, dslope


def wrong_backward(dout, x, slope):
    neg = x < 0
    dx = dout
    dx[neg] *= np.broadcast_to(slope, x.shape)[neg]
    dslope = (dout * x * neg).sum(axis=0)
    return dx, dslope
