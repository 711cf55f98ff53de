import numpy as np

LABELS = {
    'id': 'b010',
    'op': 'log-sum-exp with large logits',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 'e = np.exp(x - m)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return (rng.standard_normal((n, 5)) * 3 + 800,)


STEP = lambda x: np.full(x.shape, 0.1)


def forward(x):
    m = x.max(axis=1)
    return m + np.log(np.exp(x - m[:, None]).sum(axis=1))


def right_backward(dy, x):
    m = x.max(axis=1, keepdims=True)
    e = np.exp(x - m)
    return dy[:, None] * e / e.sum(axis=1, keepdims=True)


def wrong_backward(dy, x):
    m = x.max(axis=1, keepdims=True)
    e = np.exp(x)
    return dy[:, None] * e / e.sum(axis=1, keepdims=True)
