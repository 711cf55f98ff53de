import numpy as np

LABELS = {
    'id': 'e049',
    'op': 'product of Householder reflections applied to a vector',
    'family': 'in-place modification',
    'wrong_lines': [5],
    'fix': {5: 'saved.append(h.copy())'},
    'note': '',
    'source': 'orthogonal recurrent weights, states saved while updated in place',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 4
    return rng.standard_normal(n), rng.standard_normal((3, n))


def forward(x, V):
    h = x
    for v in V:
        h = h - 2 * v * (v @ h) / (v @ v)
    return h


def right_backward(dy, x, V):
    h = x.copy()
    saved = []
    for v in V:
        saved.append(h.copy())
        h -= 2 * v * (v @ h) / (v @ v)
    dV = np.zeros_like(V)
    g = dy.copy()
    for i in reversed(range(len(V))):
        v, h = V[i], saved[i]
        nn, vh, vg = v @ v, v @ h, v @ g
        dV[i] = -2 / nn * (vh * g + vg * h) + 4 * vh * vg / nn**2 * v
        g -= 2 * v * vg / nn
    return g, dV


def wrong_backward(dy, x, V):
    h = x.copy()
    saved = []
    for v in V:
        saved.append(h)
        h -= 2 * v * (v @ h) / (v @ v)
    dV = np.zeros_like(V)
    g = dy.copy()
    for i in reversed(range(len(V))):
        v, h = V[i], saved[i]
        nn, vh, vg = v @ v, v @ h, v @ g
        dV[i] = -2 / nn * (vh * g + vg * h) + 4 * vh * vg / nn**2 * v
        g -= 2 * v * vg / nn
    return g, dV
