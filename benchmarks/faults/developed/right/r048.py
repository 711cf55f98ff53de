import numpy as np

LABELS = {
    'id': 'r048',
    'op': 'Gaussian log-likelihood with sigma 1e-4',
    'family': 'large scale',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 2 + 1e-4 * rng.standard_normal(5), np.array([2.0]), np.array([np.log(1e-4)])


def forward(x, mu, logsigma):
    return np.sum(-0.5 * ((x - mu) * np.exp(-logsigma)) ** 2 - logsigma)


def right_backward(dy, x, mu, logsigma):
    u = (x - mu) * np.exp(-logsigma)
    dx = -dy * u * np.exp(-logsigma)
    return dx, np.array([-dx.sum()]), np.array([dy * np.sum(u**2 - 1)])


STEP = lambda x: np.full(x.shape, 1e-5 if x[0] > 0 else 1e-2)
