import numpy as np

LABELS = {
    'id': 't034',
    'op': 'flat indices into a transposed copy',
    'family': 'memory order',
    'note': 'inputs may be in Fortran order',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)).T, np.array([0, 4, 4, 9, 14])


def forward(x, at):
    return np.ascontiguousarray(x.T).ravel()[at] ** 2


def right_backward(g, x, at):
    flat = np.zeros(x.size)
    values = x.T.reshape(-1)
    np.add.at(flat, at, 2 * g * values[at])
    return flat.reshape(x.shape[::-1]).T, None
