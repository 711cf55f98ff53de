import numpy as np

LABELS = {
    'id': 'b136',
    'op': 'histogram-like soft binning',
    'family': 'dtype or integer division',
    'wrong_lines': [5],
    'fix': {5: 'dheight = np.array([0.0] * 4)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random(5) * 3, rng.standard_normal(4)


def forward(x, height):
    centre = np.arange(4)
    return np.maximum(1 - np.abs(x[:, None] - centre), 0) @ height


def right_backward(dy, x, height):
    centre = np.arange(4)
    gap = x[:, None] - centre
    near = np.abs(gap) < 1
    dheight = np.array([0.0] * 4)
    for k in range(4):
        dheight[k] = np.sum(dy * np.maximum(1 - np.abs(gap[:, k]), 0))
    dx = dy * (-np.sign(gap) * near * height).sum(axis=1)
    return dx, dheight


def wrong_backward(dy, x, height):
    centre = np.arange(4)
    gap = x[:, None] - centre
    near = np.abs(gap) < 1
    dheight = np.array([0] * 4)
    for k in range(4):
        dheight[k] = np.sum(dy * np.maximum(1 - np.abs(gap[:, k]), 0))
    dx = dy * (-np.sign(gap) * near * height).sum(axis=1)
    return dx, dheight
