import numpy as np

LABELS = {
    'id': 'e029',
    'op': 'upwind advection-diffusion steps on a periodic grid',
    'family': 'not flipped',
    'wrong_lines': [15],
    'fix': {15: 'du = (1 - c - 2 * nu) * du + np.roll(dleft, -1) + np.roll(dright, 1)'},
    'note': '',
    'source': 'adjoint of a stencil made of np.roll',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(6 + seed % 2), np.array([0.4, 0.15])


def forward(u, coef):
    c, nu = coef
    for _ in range(3):
        left, right = np.roll(u, 1), np.roll(u, -1)
        u = u - c * (u - left) + nu * (left - 2 * u + right)
    return u


def right_backward(du, u, coef):
    c, nu = coef
    states = []
    for _ in range(3):
        states.append(u)
        left, right = np.roll(u, 1), np.roll(u, -1)
        u = u - c * (u - left) + nu * (left - 2 * u + right)
    dc = dnu = 0.0
    for u in reversed(states):
        left, right = np.roll(u, 1), np.roll(u, -1)
        dc -= du @ (u - left)
        dnu += du @ (left - 2 * u + right)
        dleft = (c + nu) * du
        dright = nu * du
        du = (1 - c - 2 * nu) * du + np.roll(dleft, -1) + np.roll(dright, 1)
    return du, np.array([dc, dnu])


def wrong_backward(du, u, coef):
    c, nu = coef
    states = []
    for _ in range(3):
        states.append(u)
        left, right = np.roll(u, 1), np.roll(u, -1)
        u = u - c * (u - left) + nu * (left - 2 * u + right)
    dc = dnu = 0.0
    for u in reversed(states):
        left, right = np.roll(u, 1), np.roll(u, -1)
        dc -= du @ (u - left)
        dnu += du @ (left - 2 * u + right)
        dleft = (c + nu) * du
        dright = nu * du
        du = (1 - c - 2 * nu) * du + np.roll(dleft, 1) + np.roll(dright, -1)
    return du, np.array([dc, dnu])
