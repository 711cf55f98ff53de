import numpy as np

LABELS = {
    'id': 'c039',
    'op': 'responsibilities of a mixture at an outlier',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 'dens = np.exp(e - e.max(axis=1, keepdims=True))'},
    'note': 'one point lies 60 standard deviations away',
    'source': 'EM code (all densities underflow, 0/0)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(5)
    x[3] = 60.0
    return x, rng.standard_normal(3)


def forward(x, mu):
    e = -0.5 * (x[:, None] - mu) ** 2
    top = e.max(axis=1)
    return top + np.log(np.exp(e - top[:, None]).sum(axis=1))


def right_backward(g, x, mu):
    e = -0.5 * (x[:, None] - mu) ** 2
    dens = np.exp(e - e.max(axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        resp = dens / dens.sum(axis=1, keepdims=True)
    pull = g[:, None] * resp * (mu - x[:, None])
    dx = pull.sum(axis=1)
    dmu = -pull.sum(axis=0)
    return dx, dmu


def wrong_backward(g, x, mu):
    e = -0.5 * (x[:, None] - mu) ** 2
    dens = np.exp(e)
    with np.errstate(invalid="ignore"):
        resp = dens / dens.sum(axis=1, keepdims=True)
    pull = g[:, None] * resp * (mu - x[:, None])
    dx = pull.sum(axis=1)
    dmu = -pull.sum(axis=0)
    return dx, dmu
