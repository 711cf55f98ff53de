import numpy as np

LABELS = {
    'id': 'c099',
    'op': 'causal FIR filter by lags',
    'family': 'not flipped',
    'wrong_lines': [7],
    'fix': {7: 'gx[:, : T - k] += tap * gy[:, k:]'},
    'note': '',
    'source': 'adjoint of a delay is an advance',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 8)), rng.standard_normal(3)


def forward(x, taps):
    T = x.shape[1]
    y = np.zeros_like(x)
    for k, tap in enumerate(taps):
        y[:, k:] += tap * x[:, : T - k]
    return y


def right_backward(gy, x, taps):
    T = x.shape[1]
    gx = np.zeros_like(x)
    gtaps = np.zeros_like(taps)
    for k, tap in enumerate(taps):
        gtaps[k] = np.sum(gy[:, k:] * x[:, : T - k])
        gx[:, : T - k] += tap * gy[:, k:]
    return gx, gtaps


def wrong_backward(gy, x, taps):
    T = x.shape[1]
    gx = np.zeros_like(x)
    gtaps = np.zeros_like(taps)
    for k, tap in enumerate(taps):
        gtaps[k] = np.sum(gy[:, k:] * x[:, : T - k])
        gx[:, k:] += tap * gy[:, : T - k]
    return gx, gtaps
