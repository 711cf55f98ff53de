import numpy as np

LABELS = {
    'id': 'b050',
    'op': 'class weights gathered by label',
    'family': 'dtype or integer division',
    'wrong_lines': [4],
    'fix': {4: 'per_sample = np.zeros(len(label))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([6, 7, 8]))
    return rng.standard_normal((n, 3)), np.arange(n) % 4, rng.random(4) + 0.5


def forward(x, label, weight):
    return x * weight[label][:, None]


def right_backward(dy, x, label, weight):
    dx = dy * weight[label][:, None]
    dweight = np.zeros(len(weight))
    per_sample = np.zeros(len(label))
    for i in range(len(label)):
        per_sample[i] = np.dot(dy[i], x[i])
    for i, l in enumerate(label):
        dweight[l] += per_sample[i]
    return dx, None, dweight


def wrong_backward(dy, x, label, weight):
    dx = dy * weight[label][:, None]
    dweight = np.zeros(len(weight))
    per_sample = np.zeros_like(label)
    for i in range(len(label)):
        per_sample[i] = np.dot(dy[i], x[i])
    for i, l in enumerate(label):
        dweight[l] += per_sample[i]
    return dx, None, dweight
