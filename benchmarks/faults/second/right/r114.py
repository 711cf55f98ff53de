import numpy as np

LABELS = {
    'id': 'r114',
    'op': 'logistic map iterated ten times in the chaotic regime',
    'family': 'strong curvature',
    'note': 'the derivative grows like 2^10',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 0.2 + 0.6 * rng.random(4), 3.8 + 0.15 * rng.random(4)


def forward(x, r):
    for _ in range(10):
        x = r * x * (1 - x)
    return x


def right_backward(dy, x, r):
    trail = [x]
    for _ in range(9):
        trail.append(r * trail[-1] * (1 - trail[-1]))
    dr = np.zeros_like(r)
    while trail:
        z = trail.pop()
        dr += dy * z * (1 - z)
        dy = dy * r * (1 - 2 * z)
    return dy, dr


STEP = lambda x: np.full(x.shape, 1e-4)
