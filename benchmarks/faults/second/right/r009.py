import numpy as np

LABELS = {
    'id': 'r009',
    'op': 'Arrhenius rates: factor 1e13, energies in J/mol, temperatures in K',
    'family': 'scales',
    'note': '',
}


RGAS = 8.314


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 10 ** rng.uniform(12, 14, 3), rng.uniform(6e4, 1e5, 3), rng.uniform(290, 400, 4)


STEP = lambda x: 1e-3 * np.abs(x)


def forward(A, E, T):
    return A[:, None] * np.exp(-E[:, None] / (RGAS * T))


def right_backward(dk, A, E, T):
    boltz = np.exp(-E[:, None] / (RGAS * T))
    k = A[:, None] * boltz
    return (dk * boltz).sum(1), (-dk * k / (RGAS * T)).sum(1), (dk * k * E[:, None] / (RGAS * T**2)).sum(0)
