import numpy as np

LABELS = {
    'id': 'b020',
    'op': 'average pooling with padding, padding counted',
    'family': 'wrong stride/padding',
    'wrong_lines': [5],
    'fix': {5: 'return padded[:, 1:-1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3]))
    return (rng.standard_normal((n, 8)),)


def forward(x):
    p = np.pad(x, ((0, 0), (1, 1)))
    return np.stack([p[:, 2 * o : 2 * o + 3].mean(axis=1) for o in range(4)], axis=1)


def right_backward(g, x):
    padded = np.zeros((x.shape[0], x.shape[1] + 2))
    for o in range(g.shape[1]):
        padded[:, 2 * o : 2 * o + 3] += g[:, o : o + 1] / 3
    return padded[:, 1:-1]


def wrong_backward(g, x):
    padded = np.zeros((x.shape[0], x.shape[1] + 2))
    for o in range(g.shape[1]):
        padded[:, 2 * o : 2 * o + 3] += g[:, o : o + 1] / 3
    return padded[:, :-2]
