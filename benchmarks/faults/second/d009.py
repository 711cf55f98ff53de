import numpy as np

LABELS = {
    'id': 'd009',
    'op': 'Lennard-Jones energy of a cluster',
    'family': 'wrong factor',
    'wrong_lines': [9],
    'fix': {9: 'fij = 24 * EPSILON * (2 * s6**2 - s6) / r2 * rij'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


EPSILON, SIGMA = 0.8, 1.0


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0.0]])
    return (1.2 * corners + 0.06 * rng.standard_normal(corners.shape),)


def forward(pos):
    e = 0.0
    for i in range(len(pos)):
        for j in range(i):
            s6 = (SIGMA**2 / np.sum((pos[i] - pos[j]) ** 2)) ** 3
            e += 4 * EPSILON * (s6**2 - s6)
    return e


def right_backward(dE, pos):
    n = len(pos)
    dpos = np.zeros_like(pos)
    for i in range(n):
        for j in range(i):
            rij = pos[i] - pos[j]
            r2 = rij @ rij
            s6 = (SIGMA**2 / r2) ** 3
            fij = 24 * EPSILON * (2 * s6**2 - s6) / r2 * rij
            dpos[i] -= fij
            dpos[j] += fij
    return dE * dpos


def wrong_backward(dE, pos):
    n = len(pos)
    dpos = np.zeros_like(pos)
    for i in range(n):
        for j in range(i):
            rij = pos[i] - pos[j]
            r2 = rij @ rij
            s6 = (SIGMA**2 / r2) ** 3
            fij = 24 * EPSILON * (s6**2 - s6) / r2 * rij
            dpos[i] -= fij
            dpos[j] += fij
    return dE * dpos
