import numpy as np

LABELS = {
    'id': 'c051',
    'op': 'batch norm, gradients of scale and shift',
    'family': 'wrong variable',
    'wrong_lines': [5, 6],
    'fix': {5: 'dbeta = dout.sum(0)', 6: 'dgamma = (dout * norm).sum(0)'},
    'note': 'two lines',
    'source': 'course solutions (dgamma and dbeta exchanged)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((7, 3)), 1 + rng.random(3), rng.standard_normal(3)


def forward(x, gamma, beta):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + beta


def right_backward(dout, x, gamma, beta):
    m = x.shape[0]
    std = np.sqrt(x.var(0) + 1e-5)
    norm = (x - x.mean(0)) / std
    dbeta = dout.sum(0)
    dgamma = (dout * norm).sum(0)
    dnorm = dout * gamma
    dx = (m * dnorm - dnorm.sum(0) - norm * (dnorm * norm).sum(0)) / (m * std)
    return dx, dgamma, dbeta


def wrong_backward(dout, x, gamma, beta):
    m = x.shape[0]
    std = np.sqrt(x.var(0) + 1e-5)
    norm = (x - x.mean(0)) / std
    dbeta = (dout * norm).sum(0)
    dgamma = dout.sum(0)
    dnorm = dout * gamma
    dx = (m * dnorm - dnorm.sum(0) - norm * (dnorm * norm).sum(0)) / (m * std)
    return dx, dgamma, dbeta
