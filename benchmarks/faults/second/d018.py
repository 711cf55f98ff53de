import numpy as np

LABELS = {
    'id': 'd018',
    'op': 'enstrophy of a periodic velocity field',
    'family': 'sign',
    'wrong_lines': [6],
    'fix': {6: 'gu = (np.roll(gw, -1, axis=0) - np.roll(gw, 1, axis=0)) / (2 * H)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


H = 0.5


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5)), rng.standard_normal((4, 5))


def vorticity(u, v):
    dvdx = (np.roll(v, -1, axis=1) - np.roll(v, 1, axis=1)) / (2 * H)
    dudy = (np.roll(u, -1, axis=0) - np.roll(u, 1, axis=0)) / (2 * H)
    return dvdx - dudy


def forward(u, v):
    return 0.5 * np.sum(vorticity(u, v) ** 2) * H**2


def right_backward(g, u, v):
    w = vorticity(u, v)
    gw = g * w * H**2
    # the adjoint of a central difference on a periodic grid is minus itself
    gv = (np.roll(gw, 1, axis=1) - np.roll(gw, -1, axis=1)) / (2 * H)
    gu = (np.roll(gw, -1, axis=0) - np.roll(gw, 1, axis=0)) / (2 * H)
    return gu, gv


def wrong_backward(g, u, v):
    w = vorticity(u, v)
    gw = g * w * H**2
    # the adjoint of a central difference on a periodic grid is minus itself
    gv = (np.roll(gw, 1, axis=1) - np.roll(gw, -1, axis=1)) / (2 * H)
    gu = (np.roll(gw, 1, axis=0) - np.roll(gw, -1, axis=0)) / (2 * H)
    return gu, gv
