import numpy as np

LABELS = {
    'id': 'r204',
    'op': 'running maximum along time with a learned leak',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(6, 10))
    return rng.standard_normal((T, 2)), rng.uniform(0.1, 0.4, 2)


def forward(x, leak):
    m, out = x[0], [x[0]]
    for xt in x[1:]:
        m = np.maximum(m - leak, xt)
        out.append(m)
    return np.array(out)


def right_backward(dy, x, leak):
    start = np.zeros(x.shape, int)
    m = x[0]
    for t in range(1, len(x)):
        new = x[t] >= m - leak
        start[t] = np.where(new, t, start[t - 1])
        m = np.maximum(m - leak, x[t])
    dx = np.zeros_like(x)
    np.add.at(dx, (start, np.arange(x.shape[1])[None]), dy)
    age = np.arange(len(x))[:, None] - start
    return dx, -(dy * age).sum(axis=0)
