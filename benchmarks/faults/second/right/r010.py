import numpy as np

LABELS = {
    'id': 'r010',
    'op': 'unstable recursion: outputs grow from 1 to 1e8',
    'family': 'scales',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(12), np.array([4.5])


def forward(x, a):
    y, state = np.zeros_like(x), 0.0
    for t in range(len(x)):
        state = a[0] * state + x[t]
        y[t] = state
    return y


def right_backward(dy, x, a):
    y = forward(x, a)
    dx, da, s = np.zeros_like(x), 0.0, 0.0
    for t in range(len(x) - 1, -1, -1):
        s = dy[t] + a[0] * s
        dx[t] = s
        da += s * (y[t - 1] if t else 0.0)
    return dx, np.array([da])
