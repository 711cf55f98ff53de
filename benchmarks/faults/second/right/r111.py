import numpy as np

LABELS = {
    'id': 'r111',
    'op': "Kepler's equation solved by Newton, eccentricity near 1",
    'family': 'near-singular',
    'note': 'implicit derivative 1/(1 - e cos E) close to the pericentre',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    M = 0.002 * (1 + rng.random(4)) * rng.choice([-1, 1], 4)
    return M, 0.95 + 0.03 * rng.random(4)


def anomaly(M, e):
    E = np.cbrt(6 * M)
    for _ in range(60):
        E = E - (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
    return E


def forward(M, e):
    return anomaly(M, e)


def right_backward(dE, M, e):
    E = anomaly(M, e)
    dM = dE / (1 - e * np.cos(E))
    return dM, dM * np.sin(E)


STEP = lambda x: np.full(x.shape, 2e-4)
