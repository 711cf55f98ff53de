import numpy as np

LABELS = {
    'id': 'c066',
    'op': 'recurrence with a list of saved states',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [5],
    'fix': {5: 'saved.append(s.copy())'},
    'note': '',
    'source': 'in-place update of a state that was appended without a copy',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), 0.5 + rng.random(3)


def forward(u, k):
    s = np.zeros(3)
    for row in u:
        s = s + 0.5 * np.tanh(k * row - s)
    return s


def right_backward(gs, u, k):
    s = np.zeros(3)
    saved = []
    for row in u:
        saved.append(s.copy())
        s += 0.5 * np.tanh(k * row - s)
    gs = gs.copy()
    gu, gk = np.zeros_like(u), np.zeros_like(k)
    for t in range(len(u) - 1, -1, -1):
        inner = 0.5 * gs * (1 - np.tanh(k * u[t] - saved[t]) ** 2)
        gu[t] = inner * k
        gk += inner * u[t]
        gs -= inner
    return gu, gk


def wrong_backward(gs, u, k):
    s = np.zeros(3)
    saved = []
    for row in u:
        saved.append(s)
        s += 0.5 * np.tanh(k * row - s)
    gs = gs.copy()
    gu, gk = np.zeros_like(u), np.zeros_like(k)
    for t in range(len(u) - 1, -1, -1):
        inner = 0.5 * gs * (1 - np.tanh(k * u[t] - saved[t]) ** 2)
        gu[t] = inner * k
        gk += inner * u[t]
        gs -= inner
    return gu, gk
