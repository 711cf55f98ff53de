import numpy as np

LABELS = {
    'id': 'f015',
    'op': 'inverse softplus of values up to 900 with a learned sharpness',
    'family': 'not finite',
    'wrong_lines': [4],
    'fix': {4: 'slope = 1 / -np.expm1(-z)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return np.concatenate([rng.uniform(0.2, 5, n), rng.uniform(750, 900, 2)]), np.array([1.3])


def forward(y, beta):
    z = beta * y
    return (z + np.log(-np.expm1(-z))) / beta


def right_backward(dx, y, beta):
    z = beta * y
    inv = z + np.log(-np.expm1(-z))
    slope = 1 / -np.expm1(-z)
    dinv = dx / beta
    dbeta = -(dx * inv).sum() / beta ** 2
    dz = dinv * slope
    dbeta = dbeta + (dz * y).sum()
    return dz * beta, dbeta


def wrong_backward(dx, y, beta):
    z = beta * y
    inv = z + np.log(-np.expm1(-z))
    slope = np.exp(z) / (np.exp(z) - 1)
    dinv = dx / beta
    dbeta = -(dx * inv).sum() / beta ** 2
    dz = dinv * slope
    dbeta = dbeta + (dz * y).sum()
    return dz * beta, dbeta
