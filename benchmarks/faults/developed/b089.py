import numpy as np

LABELS = {
    'id': 'b089',
    'op': 'message passing on a graph',
    'family': 'not accumulated',
    'wrong_lines': [4, 5],
    'fix': {4: 'np.add.at(dh, src, g * e[:, None] * h[dst])', 5: 'np.add.at(dh, dst, g * e[:, None] * h[src])'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal(7), np.array([0, 1, 1, 2, 4, 4, 0]), np.array([1, 0, 3, 3, 2, 3, 1])


def forward(h, e, src, dst):
    out = np.zeros_like(h)
    np.add.at(out, dst, e[:, None] * h[src] * h[dst])
    return out


def right_backward(dout, h, e, src, dst):
    g = dout[dst]
    dh = np.zeros_like(h)
    np.add.at(dh, src, g * e[:, None] * h[dst])
    np.add.at(dh, dst, g * e[:, None] * h[src])
    de = (g * h[src] * h[dst]).sum(axis=1)
    return dh, de, None, None


def wrong_backward(dout, h, e, src, dst):
    g = dout[dst]
    dh = np.zeros_like(h)
    dh[src] += g * e[:, None] * h[dst]
    dh[dst] += g * e[:, None] * h[src]
    de = (g * h[src] * h[dst]).sum(axis=1)
    return dh, de, None, None
