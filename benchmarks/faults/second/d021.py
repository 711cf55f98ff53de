import numpy as np

LABELS = {
    'id': 'd021',
    'op': 'per-channel energy normalisation (PCEN) with a smoother',
    'family': 'eps placement',
    'wrong_lines': [7],
    'fix': {7: 'dM = -ALPHA * dgain * gain / (EPS + M)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


S, ALPHA, DELTA, R, EPS = 0.3, 0.8, 2.0, 0.5, 0.1


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.uniform(0.1, 1.5, (int(rng.integers(4, 7)), 3)),)


def smooth(E):
    M = E.copy()
    for t in range(1, len(E)):
        M[t] = (1 - S) * M[t - 1] + S * E[t]
    return M


def forward(E):
    return (E / (EPS + smooth(E)) ** ALPHA + DELTA) ** R - DELTA**R


def right_backward(dY, E):
    M = smooth(E)
    gain = (EPS + M) ** -ALPHA
    dU = dY * R * (E * gain + DELTA) ** (R - 1)
    dE = dU * gain
    dgain = dU * E
    dM = -ALPHA * dgain * gain / (EPS + M)
    for t in range(len(E) - 1, 0, -1):
        dE[t] += S * dM[t]
        dM[t - 1] += (1 - S) * dM[t]
    dE[0] += dM[0]
    return dE


def wrong_backward(dY, E):
    M = smooth(E)
    gain = (EPS + M) ** -ALPHA
    dU = dY * R * (E * gain + DELTA) ** (R - 1)
    dE = dU * gain
    dgain = dU * E
    dM = -ALPHA * dgain * gain / M
    for t in range(len(E) - 1, 0, -1):
        dE[t] += S * dM[t]
        dM[t - 1] += (1 - S) * dM[t]
    dE[0] += dM[0]
    return dE
