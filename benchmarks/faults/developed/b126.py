import numpy as np

LABELS = {
    'id': 'b126',
    'op': 'cross product (torque)',
    'family': 'sign',
    'wrong_lines': [3],
    'fix': {3: 'df = np.cross(dtau, r)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


def forward(r, f):
    return np.cross(r, f)


def right_backward(dtau, r, f):
    dr = np.cross(f, dtau)
    df = np.cross(dtau, r)
    return dr, df


def wrong_backward(dtau, r, f):
    dr = np.cross(f, dtau)
    df = np.cross(r, dtau)
    return dr, df
