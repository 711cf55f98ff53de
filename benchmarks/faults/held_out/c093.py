import numpy as np

LABELS = {
    'id': 'c093',
    'op': 'soft histogram with linear bins',
    'family': 'dtype or integer division',
    'wrong_lines': [2],
    'fix': {2: 'width = CENTRES[1] - CENTRES[0]'},
    'note': '',
    'source': 'image statistics layers (bin width as an integer)',
}


CENTRES = np.array([-2.0, -0.5, 1.0, 2.5])


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5)),)


def forward(x):
    d = (x[:, :, None] - CENTRES) / 1.5
    return np.exp(-0.5 * d**2).sum(axis=1)


def right_backward(dh, x):
    width = CENTRES[1] - CENTRES[0]
    d = (x[:, :, None] - CENTRES) / width
    k = np.exp(-0.5 * d**2)
    return -(dh[:, None, :] * k * d).sum(axis=2) / width


def wrong_backward(dh, x):
    width = int(CENTRES[1] - CENTRES[0])
    d = (x[:, :, None] - CENTRES) / width
    k = np.exp(-0.5 * d**2)
    return -(dh[:, None, :] * k * d).sum(axis=2) / width
