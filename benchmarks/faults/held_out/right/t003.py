import numpy as np

LABELS = {
    'id': 't003',
    'op': 'sorted values with equal pairs, stable order',
    'family': 'ties',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 7))
    x[1, 2] = x[1, 5]
    x[2, 0] = x[2, 6]
    return (x,)


def forward(x):
    return np.sort(x, axis=1) * np.arange(1.0, 8.0)


def right_backward(dy, x):
    order = np.argsort(x, axis=1, kind="stable")
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order, dy * np.arange(1.0, 8.0), axis=1)
    return dx


KINKS = True
