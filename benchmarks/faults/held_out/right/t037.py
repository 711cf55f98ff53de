import numpy as np

LABELS = {
    'id': 't037',
    'op': 'gravity in SI units',
    'family': 'several decades',
    'note': 'G of 6.7e-11, masses of 1e24, distances of 1e8',
}


G = 6.674e-11


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 1e8 * (1 + 3 * rng.random((4, 3))) * np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]), 1e24 * (0.5 + rng.random(4))


def forward(r, m):
    total = 0.0
    for i in range(len(m)):
        for j in range(i):
            total -= G * m[i] * m[j] / np.sqrt(np.sum((r[i] - r[j]) ** 2))
    return total


def right_backward(g, r, m):
    dr, dm = np.zeros_like(r), np.zeros_like(m)
    for i in range(len(m)):
        for j in range(i):
            d = r[i] - r[j]
            n = np.sqrt(np.sum(d**2))
            pull = G * m[i] * m[j] * d / n**3
            dr[i] += pull
            dr[j] -= pull
            dm[i] -= G * m[j] / n
            dm[j] -= G * m[i] / n
    return g * dr, g * dm


STEP = lambda x: 0.05 * np.abs(x)
