import numpy as np

LABELS = {
    'id': 'f009',
    'op': 'Fisher-KPP steps on a ring, growth rate of each cell',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [5],
    'fix': {5: 'states.append(u.copy())'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


DT, D, STEPS = 0.2, 0.5, 5


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 8))
    return rng.uniform(0.1, 0.9, n), rng.uniform(0.5, 3.0, n)


def forward(u, r):
    for _ in range(STEPS):
        lap = np.roll(u, 1) + np.roll(u, -1) - 2 * u
        u = u + DT * (D * lap + r * u * (1 - u))
    return u


def right_backward(du, u, r):
    u = u.copy()
    states = []
    for _ in range(STEPS):
        states.append(u.copy())
        lap = np.roll(u, 1) + np.roll(u, -1) - 2 * u
        u += DT * (D * lap + r * u * (1 - u))
    dr = np.zeros_like(r)
    for s in states[::-1]:
        dr += DT * du * s * (1 - s)
        dlap = DT * D * du
        du = du * (1 + DT * r * (1 - 2 * s)) + np.roll(dlap, -1) + np.roll(dlap, 1) - 2 * dlap
    return du, dr


def wrong_backward(du, u, r):
    u = u.copy()
    states = []
    for _ in range(STEPS):
        states.append(u)
        lap = np.roll(u, 1) + np.roll(u, -1) - 2 * u
        u += DT * (D * lap + r * u * (1 - u))
    dr = np.zeros_like(r)
    for s in states[::-1]:
        dr += DT * du * s * (1 - s)
        dlap = DT * D * du
        du = du * (1 + DT * r * (1 - 2 * s)) + np.roll(dlap, -1) + np.roll(dlap, 1) - 2 * dlap
    return du, dr
