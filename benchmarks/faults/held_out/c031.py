import numpy as np

LABELS = {
    'id': 'c031',
    'op': 'normal log-likelihood with a learnt scale',
    'family': 'missing term',
    'wrong_lines': [5],
    'fix': {5: 'dsigma = np.sum(w * (r**2 - 1) / sigma, keepdims=True)'},
    'note': '',
    'source': 'statistics course solutions (the normalisation -log σ)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(7), rng.standard_normal(1), rng.random(1) + 0.5


def forward(y, mu, sigma):
    return -np.log(sigma) - 0.5 * ((y - mu) / sigma) ** 2


def right_backward(w, y, mu, sigma):
    r = (y - mu) / sigma
    dy = -w * r / sigma
    dmu = np.sum(w * r / sigma, keepdims=True)
    dsigma = np.sum(w * (r**2 - 1) / sigma, keepdims=True)
    return dy, dmu, dsigma


def wrong_backward(w, y, mu, sigma):
    r = (y - mu) / sigma
    dy = -w * r / sigma
    dmu = np.sum(w * r / sigma, keepdims=True)
    dsigma = np.sum(w * r**2 / sigma, keepdims=True)
    return dy, dmu, dsigma
