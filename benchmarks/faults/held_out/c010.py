import numpy as np

LABELS = {
    'id': 'c010',
    'op': 'batch norm, long form with a computation graph',
    'family': 'missing term',
    'wrong_lines': [27],
    'fix': {27: 'dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)'},
    'note': '',
    'source': 'Kratzert-style derivations of batch norm (gradient of the mean through both branches)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6 + seed % 3, 4)), rng.standard_normal(4), rng.standard_normal(4)


def forward(x, gamma, beta):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    return gamma * (x - mu) / np.sqrt(var + 1e-5) + beta


def right_backward(dout, x, gamma, beta):
    eps = 1e-5
    N, D = dout.shape
    mu = x.mean(axis=0)
    xmu = x - mu
    sq = xmu**2
    var = sq.mean(axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar

    # step 9 and 8: shift and scale
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma

    # step 7 to 4: the inverse standard deviation
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq

    # step 2 to 0: the mean
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def wrong_backward(dout, x, gamma, beta):
    eps = 1e-5
    N, D = dout.shape
    mu = x.mean(axis=0)
    xmu = x - mu
    sq = xmu**2
    var = sq.mean(axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar

    # step 9 and 8: shift and scale
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma

    # step 7 to 4: the inverse standard deviation
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq

    # step 2 to 0: the mean
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta
