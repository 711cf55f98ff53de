import numpy as np

LABELS = {
    'id': 'c062',
    'op': 'Cox partial likelihood',
    'family': 'not flipped',
    'wrong_lines': [4, 5],
    'fix': {4: 'risk = np.cumsum(e[::-1])[::-1]', 5: 'weight = np.cumsum(event / risk)'},
    'note': 'two lines',
    'source': 'survival analysis (risk sets run from the end)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 6 + seed % 3
    return rng.standard_normal((n, 2)), rng.standard_normal(2), np.array([1, 0, 1, 1, 0, 1, 1, 0])[:n]


def forward(X, beta, event):
    eta = X @ beta
    risk = np.cumsum(np.exp(eta)[::-1])[::-1]
    return -np.sum(event * (eta - np.log(risk)))


def right_backward(dl, X, beta, event):
    eta = X @ beta
    e = np.exp(eta)
    risk = np.cumsum(e[::-1])[::-1]
    weight = np.cumsum(event / risk)
    deta = -dl * (event - e * weight)
    return np.outer(deta, beta), X.T @ deta, None


def wrong_backward(dl, X, beta, event):
    eta = X @ beta
    e = np.exp(eta)
    risk = np.cumsum(e)
    weight = np.cumsum((event / risk)[::-1])[::-1]
    deta = -dl * (event - e * weight)
    return np.outer(deta, beta), X.T @ deta, None
