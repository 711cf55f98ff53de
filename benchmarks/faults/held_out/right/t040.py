import numpy as np

LABELS = {
    'id': 't040',
    'op': 'noisy layer, its own generator with a fixed seed',
    'family': 'internal randomness',
    'note': 'the noise is drawn anew in each call and is the same',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5)), np.array([-1.0, 0.0, 0.5, -0.3, 0.2])


def noise(shape):
    return np.random.default_rng(2024).standard_normal(shape)


def forward(x, log_sigma):
    return np.tanh(x + np.exp(log_sigma) * noise(x.shape))


def right_backward(g, x, log_sigma):
    n = noise(x.shape)
    s = np.exp(log_sigma)
    d = g * (1 - np.tanh(x + s * n) ** 2)
    return d, (d * s * n).sum(axis=0)
