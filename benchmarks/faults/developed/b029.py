import numpy as np

LABELS = {
    'id': 'b029',
    'op': 'springs between neighbours, energy',
    'family': 'sign',
    'wrong_lines': [6],
    'fix': {6: 'dpos = np.roll(force, 1, axis=0) - force'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 2)), rng.random(4) + 0.5


def forward(pos, rest):
    d = np.roll(pos, -1, axis=0) - pos
    r = np.sqrt((d**2).sum(axis=1))
    return 0.5 * np.sum((r - rest) ** 2)


def right_backward(dy, pos, rest):
    d = np.roll(pos, -1, axis=0) - pos
    r = np.sqrt((d**2).sum(axis=1))
    pull = (r - rest) / r
    force = pull[:, None] * d
    dpos = np.roll(force, 1, axis=0) - force
    return dy * dpos, -dy * (r - rest)


def wrong_backward(dy, pos, rest):
    d = np.roll(pos, -1, axis=0) - pos
    r = np.sqrt((d**2).sum(axis=1))
    pull = (r - rest) / r
    force = pull[:, None] * d
    dpos = np.roll(force, 1, axis=0) + force
    return dy * dpos, -dy * (r - rest)
