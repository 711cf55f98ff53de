import numpy as np

LABELS = {
    'id': 'b122',
    'op': 'rotation of points by a learned angle',
    'family': 'sign',
    'wrong_lines': [5],
    'fix': {5: 'slope = np.array([[-s, c], [-c, -s]])'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4, 5]))
    return rng.standard_normal((n, 2)), rng.standard_normal(1)


def forward(p, theta):
    c, s = np.cos(theta[0]), np.sin(theta[0])
    return p @ np.array([[c, s], [-s, c]])


def right_backward(dq, p, theta):
    c, s = np.cos(theta[0]), np.sin(theta[0])
    rot = np.array([[c, s], [-s, c]])
    drot = p.T @ dq
    slope = np.array([[-s, c], [-c, -s]])
    return dq @ rot.T, np.array([np.sum(drot * slope)])


def wrong_backward(dq, p, theta):
    c, s = np.cos(theta[0]), np.sin(theta[0])
    rot = np.array([[c, s], [-s, c]])
    drot = p.T @ dq
    slope = np.array([[-s, c], [c, -s]])
    return dq @ rot.T, np.array([np.sum(drot * slope)])
