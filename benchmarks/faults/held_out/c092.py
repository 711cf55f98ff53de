import numpy as np

LABELS = {
    'id': 'c092',
    'op': 'interleaved real and imaginary parts of a DFT',
    'family': 'order of reshape',
    'wrong_lines': [3],
    'fix': {3: 're, im = g[:, 0::2], g[:, 1::2]'},
    'note': '',
    'source': 'spectral layers (pairs against halves)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5 + seed % 2)),)


def basis(n):
    angle = 2 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
    return np.cos(angle), -np.sin(angle)


def forward(x):
    c, s = basis(x.shape[1])
    return np.stack([x @ c, x @ s], axis=2).reshape(len(x), -1)


def right_backward(g, x):
    c, s = basis(x.shape[1])
    re, im = g[:, 0::2], g[:, 1::2]
    return re @ c.T + im @ s.T


def wrong_backward(g, x):
    c, s = basis(x.shape[1])
    re, im = np.split(g, 2, axis=1)
    return re @ c.T + im @ s.T
