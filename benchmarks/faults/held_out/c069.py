import numpy as np

LABELS = {
    'id': 'c069',
    'op': 'contrastive loss with a learnt temperature',
    'family': 'detached path',
    'wrong_lines': [9],
    'fix': {9: 'dlog_temp = np.sum(dz * z, keepdims=True)[0]'},
    'note': '',
    'source': 'CLIP-like training code (the temperature gets its gradient from one direction only)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 4)), np.array([0.3])


def lse(z, axis):
    m = z.max(axis=axis)
    return m + np.log(np.exp(z - np.expand_dims(m, axis)).sum(axis=axis))


def forward(sim, log_temp):
    z = sim * np.exp(log_temp)
    d = np.diag(z)
    return ((lse(z, 1) - d) + (lse(z, 0) - d)).mean() / 2


def right_backward(dloss, sim, log_temp):
    n = len(sim)
    scale = np.exp(log_temp)
    z = sim * scale
    rows = np.exp(z - lse(z, 1)[:, None]) - np.eye(n)
    cols = np.exp(z - lse(z, 0)[None, :]) - np.eye(n)
    dz = dloss * (rows + cols) / (2 * n)
    dsim = dz * scale
    dlog_temp = np.sum(dz * z, keepdims=True)[0]
    return dsim, dlog_temp


def wrong_backward(dloss, sim, log_temp):
    n = len(sim)
    scale = np.exp(log_temp)
    z = sim * scale
    rows = np.exp(z - lse(z, 1)[:, None]) - np.eye(n)
    cols = np.exp(z - lse(z, 0)[None, :]) - np.eye(n)
    dz = dloss * (rows + cols) / (2 * n)
    dsim = dz * scale
    dlog_temp = dloss * np.sum(rows * z, keepdims=True)[0] / (2 * n)
    return dsim, dlog_temp
