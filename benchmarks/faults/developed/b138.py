import numpy as np

LABELS = {
    'id': 'b138',
    'op': 'batch norm in stages',
    'family': 'eps placement',
    'wrong_lines': [11],
    'fix': {11: 'dvar = 0.5 * dsqrtvar / np.sqrt(var + 0.01)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)) * 0.2, rng.standard_normal(3) + 1


def forward(x, gamma):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.01)


def right_backward(dout, x, gamma):
    n = x.shape[0]
    xmu = x - x.mean(axis=0)
    var = (xmu**2).mean(axis=0)
    sqrtvar = np.sqrt(var + 0.01)
    ivar = 1.0 / sqrtvar
    dgamma = np.sum(dout * xmu * ivar, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / np.sqrt(var + 0.01)
    dxmu = dxhat * ivar + 2.0 * xmu * dvar / n
    dmu = -np.sum(dxmu, axis=0)
    return dxmu + dmu / n, dgamma


def wrong_backward(dout, x, gamma):
    n = x.shape[0]
    xmu = x - x.mean(axis=0)
    var = (xmu**2).mean(axis=0)
    sqrtvar = np.sqrt(var + 0.01)
    ivar = 1.0 / sqrtvar
    dgamma = np.sum(dout * xmu * ivar, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / np.sqrt(var)
    dxmu = dxhat * ivar + 2.0 * xmu * dvar / n
    dmu = -np.sum(dxmu, axis=0)
    return dxmu + dmu / n, dgamma
