import numpy as np

LABELS = {
    'id': 'b077',
    'op': 'variational autoencoder loss with reparameterisation',
    'family': 'missing term',
    'wrong_lines': [6, 7],
    'fix': {6: 'insert before: dmu += mu', 7: 'insert before: dlogvar += 0.5 * (std**2 - 1)'},
    'note': 'two statements missing',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 5, 6]))
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3)), rng.standard_normal((n, 3))


def _noise(shape):
    return np.random.default_rng(42).standard_normal(shape)


def forward(mu, logvar, target):
    z = mu + np.exp(0.5 * logvar) * _noise(mu.shape)
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    return 0.5 * np.sum((z - target) ** 2) + kl


def right_backward(dloss, mu, logvar, target):
    eps = _noise(mu.shape)
    std = np.exp(0.5 * logvar)
    dz = mu + std * eps - target
    dmu = dz.copy()
    dmu += mu
    dlogvar = 0.5 * dz * eps * std
    dlogvar += 0.5 * (std**2 - 1)
    return dloss * dmu, dloss * dlogvar, -dloss * dz


def wrong_backward(dloss, mu, logvar, target):
    eps = _noise(mu.shape)
    std = np.exp(0.5 * logvar)
    dz = mu + std * eps - target
    dmu = dz.copy()
    dlogvar = 0.5 * dz * eps * std
    return dloss * dmu, dloss * dlogvar, -dloss * dz
