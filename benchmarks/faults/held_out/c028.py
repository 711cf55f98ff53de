import numpy as np

LABELS = {
    'id': 'c028',
    'op': 'binary cross-entropy from probabilities',
    'family': 'sign',
    'wrong_lines': [3],
    'fix': {3: 'dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))'},
    'note': '',
    'source': 'course 1 notebooks (dAL = -(Y/A - (1-Y)/(1-A)))',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 0.1 + 0.8 * rng.random((1, 6)), (rng.random((1, 6)) < 0.5).astype(int)


def forward(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


def right_backward(dcost, AL, Y):
    m = Y.shape[1]
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    return dcost * dAL / m, None


def wrong_backward(dcost, AL, Y):
    m = Y.shape[1]
    dAL = -(np.divide(Y, AL) + np.divide(1 - Y, 1 - AL))
    return dcost * dAL / m, None
