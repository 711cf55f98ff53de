import numpy as np

LABELS = {
    'id': 'c097',
    'op': 'step of the heat equation with a conductivity',
    'family': 'missing upstream dy',
    'wrong_lines': [3],
    'fix': {3: 'dkappa = (adj * lap(u)).sum(axis=0)'},
    'note': '',
    'source': "differentiable physics (adjoint state forgotten in the parameter's gradient)",
}


def lap(u):
    return np.roll(u, 1, axis=1) + np.roll(u, -1, axis=1) - 2 * u


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 6)), 0.1 + 0.2 * rng.random(6)


def forward(u, kappa):
    return u + kappa * lap(u)


def right_backward(adj, u, kappa):
    du = adj + lap(kappa * adj)
    dkappa = (adj * lap(u)).sum(axis=0)
    return du, dkappa


def wrong_backward(adj, u, kappa):
    du = adj + lap(kappa * adj)
    dkappa = lap(u).sum(axis=0)
    return du, dkappa
