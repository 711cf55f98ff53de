import numpy as np

LABELS = {
    'id': 'c054',
    'op': 'rotation of points by an angle',
    'family': 'sign',
    'wrong_lines': [4, 5],
    'fix': {4: 'dp[:, 0] = c * v[:, 0] + s * v[:, 1]', 5: 'dp[:, 1] = -s * v[:, 0] + c * v[:, 1]'},
    'note': 'two lines',
    'source': 'robotics and graphics exercises (R in place of its transpose)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5 + seed % 4, 2)), rng.standard_normal(1)


def forward(p, theta):
    c, s = np.cos(theta), np.sin(theta)
    return np.stack([c * p[:, 0] - s * p[:, 1], s * p[:, 0] + c * p[:, 1]], axis=1)


def right_backward(v, p, theta):
    c, s = np.cos(theta), np.sin(theta)
    dp = np.empty_like(p)
    dp[:, 0] = c * v[:, 0] + s * v[:, 1]
    dp[:, 1] = -s * v[:, 0] + c * v[:, 1]
    dtheta = np.sum(v[:, 0] * (-s * p[:, 0] - c * p[:, 1]) + v[:, 1] * (c * p[:, 0] - s * p[:, 1]))
    return dp, np.array([dtheta])


def wrong_backward(v, p, theta):
    c, s = np.cos(theta), np.sin(theta)
    dp = np.empty_like(p)
    dp[:, 0] = c * v[:, 0] - s * v[:, 1]
    dp[:, 1] = s * v[:, 0] + c * v[:, 1]
    dtheta = np.sum(v[:, 0] * (-s * p[:, 0] - c * p[:, 1]) + v[:, 1] * (c * p[:, 0] - s * p[:, 1]))
    return dp, np.array([dtheta])
