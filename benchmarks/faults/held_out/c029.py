import numpy as np

LABELS = {
    'id': 'c029',
    'op': 'KL divergence of a diagonal normal from the standard one (VAE)',
    'family': 'sign',
    'wrong_lines': [4],
    'fix': {4: 'dlogvar = 0.5 * g * (np.exp(logvar) - 1)'},
    'note': '',
    'source': 'VAE tutorials (log-variance parameterisation)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 4 + seed % 3
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3))


def forward(mu, logvar):
    return -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1)


def right_backward(g, mu, logvar):
    g = g[:, None]
    dmu = g * mu
    dlogvar = 0.5 * g * (np.exp(logvar) - 1)
    return dmu, dlogvar


def wrong_backward(g, mu, logvar):
    g = g[:, None]
    dmu = g * mu
    dlogvar = 0.5 * g * (1 - np.exp(logvar))
    return dmu, dlogvar
