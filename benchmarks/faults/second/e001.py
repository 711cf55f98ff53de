import numpy as np

LABELS = {
    'id': 'e001',
    'op': 'fused residual add and layer norm, both the sum and its norm are outputs',
    'family': 'missing term',
    'wrong_lines': [13],
    'fix': {13: 'insert before: dz = dz + dz_next'},
    'note': '',
    'source': "fused add+layernorm kernels (the residual stream's own gradient)",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    return rng.standard_normal((n, 5)), rng.standard_normal((n, 5)), 1 + 0.3 * rng.standard_normal(5), rng.standard_normal(5)


def forward(x, residual, gamma, beta):
    z = x + residual
    mean = z.mean(axis=1, keepdims=True)
    rstd = 1.0 / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    return np.stack([(z - mean) * rstd * gamma + beta, z])


def right_backward(dout, x, residual, gamma, beta):
    dy, dz_next = dout[0], dout[1]
    z = x + residual
    d = z.shape[1]
    # recompute the statistics instead of loading them
    mean = z.mean(axis=1, keepdims=True)
    rstd = 1.0 / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    xhat = (z - mean) * rstd
    wdy = dy * gamma
    c1 = (xhat * wdy).sum(axis=1, keepdims=True) / d
    c2 = wdy.sum(axis=1, keepdims=True) / d
    dz = (wdy - (xhat * c1 + c2)) * rstd
    dz = dz + dz_next
    dgamma = (dy * xhat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    return dz, dz, dgamma, dbeta


def wrong_backward(dout, x, residual, gamma, beta):
    dy, dz_next = dout[0], dout[1]
    z = x + residual
    d = z.shape[1]
    # recompute the statistics instead of loading them
    mean = z.mean(axis=1, keepdims=True)
    rstd = 1.0 / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    xhat = (z - mean) * rstd
    wdy = dy * gamma
    c1 = (xhat * wdy).sum(axis=1, keepdims=True) / d
    c2 = wdy.sum(axis=1, keepdims=True) / d
    dz = (wdy - (xhat * c1 + c2)) * rstd
    dgamma = (dy * xhat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    return dz, dz, dgamma, dbeta
