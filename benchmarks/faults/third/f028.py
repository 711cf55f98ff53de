import numpy as np

LABELS = {
    'id': 'f028',
    'op': 'Weibull log-likelihood with shape and scale of each sample',
    'family': 'missing term',
    'wrong_lines': [5],
    'fix': {5: 'dk = dll * (1 / k + u - u * e)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    return rng.uniform(0.3, 2.5, n), rng.uniform(0.7, 2.5, n), rng.uniform(0.5, 2.0, n)


def forward(t, k, lam):
    u = np.log(t / lam)
    return np.log(k) - np.log(lam) + (k - 1) * u - np.exp(k * u)


def right_backward(dll, t, k, lam):
    u = np.log(t / lam)
    e = np.exp(k * u)
    du = dll * ((k - 1) - k * e)
    dk = dll * (1 / k + u - u * e)
    dlam = -dll / lam - du / lam
    dt = du / t
    return dt, dk, dlam


def wrong_backward(dll, t, k, lam):
    u = np.log(t / lam)
    e = np.exp(k * u)
    du = dll * ((k - 1) - k * e)
    dk = dll * (1 / k - u * e)
    dlam = -dll / lam - du / lam
    dt = du / t
    return dt, dk, dlam
