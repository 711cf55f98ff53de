import numpy as np

LABELS = {
    'id': 'r115',
    'op': 'likelihood as a plain product of densities, about 1e-40',
    'family': 'small scale',
    'note': 'never taken to logarithms',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(8)
    x[3] = 12.0
    return x, np.array([0.3, 0.9])


def forward(x, theta):
    z = (x - theta[0]) / theta[1]
    return np.prod(np.exp(-0.5 * z * z) / (theta[1] * np.sqrt(2 * np.pi)))


def right_backward(d, x, theta):
    z = (x - theta[0]) / theta[1]
    L = d * forward(x, theta)
    dx = -L * z / theta[1]
    return dx, np.array([-dx.sum(), L * (z * z - 1).sum() / theta[1]])


STEP = lambda x: np.full(x.shape, 2e-3)
