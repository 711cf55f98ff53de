import numpy as np

LABELS = {
    'id': 'r033',
    'op': 'positional code with a high frequency',
    'family': 'fast oscillation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((3, 4)) * 10,)


def forward(t):
    freq = 10.0 ** np.arange(5)
    angle = t[..., None] * freq
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=-1)


def right_backward(dy, t):
    freq = 10.0 ** np.arange(5)
    angle = t[..., None] * freq
    k = len(freq)
    return ((dy[..., :k] * np.cos(angle) - dy[..., k:] * np.sin(angle)) * freq).sum(axis=-1)


STEP = lambda x: np.full(x.shape, 2e-5)
