import numpy as np

LABELS = {
    'id': 'c034',
    'op': 'exponential moving average (filter of order 1)',
    'family': 'off by one',
    'wrong_lines': [8],
    'fix': {8: 'previous = y[:, t - 1] if t > 0 else 0.0'},
    'note': '',
    'source': 'signal processing, EMA layers of state-space models',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 7)), 0.2 + 0.6 * rng.random(3)


def forward(x, a):
    y = np.zeros_like(x)
    state = np.zeros(len(x))
    for t in range(x.shape[1]):
        state = a * state + (1 - a) * x[:, t]
        y[:, t] = state
    return y


def right_backward(gy, x, a):
    y = forward(x, a)
    gx, ga = np.zeros_like(x), np.zeros_like(a)
    lam = np.zeros(len(a))
    for t in range(x.shape[1] - 1, -1, -1):
        lam = gy[:, t] + a * lam
        gx[:, t] = (1 - a) * lam
        previous = y[:, t - 1] if t > 0 else 0.0
        ga += lam * (previous - x[:, t])
    return gx, ga


def wrong_backward(gy, x, a):
    y = forward(x, a)
    gx, ga = np.zeros_like(x), np.zeros_like(a)
    lam = np.zeros(len(a))
    for t in range(x.shape[1] - 1, -1, -1):
        lam = gy[:, t] + a * lam
        gx[:, t] = (1 - a) * lam
        previous = y[:, t]
        ga += lam * (previous - x[:, t])
    return gx, ga
