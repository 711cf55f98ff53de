import numpy as np

LABELS = {
    'id': 'c088',
    'op': 'short-time frames with a window (overlap-add)',
    'family': 'off by one',
    'wrong_lines': [4],
    'fix': {4: 'for f in range(1 + (len(signal) - WIN) // HOP):'},
    'note': '',
    'source': 'audio code (the last frame is left out in the adjoint)',
}


HOP, WIN = 2, 4


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(12), rng.random(WIN) + 0.2


def forward(signal, window):
    frames = 1 + (len(signal) - WIN) // HOP
    return np.stack([window * signal[f * HOP : f * HOP + WIN] for f in range(frames)])


def right_backward(dframes, signal, window):
    dsignal = np.zeros_like(signal)
    dwindow = np.zeros_like(window)
    for f in range(1 + (len(signal) - WIN) // HOP):
        sl = slice(f * HOP, f * HOP + WIN)
        dsignal[sl] += window * dframes[f]
        dwindow += signal[sl] * dframes[f]
    return dsignal, dwindow


def wrong_backward(dframes, signal, window):
    dsignal = np.zeros_like(signal)
    dwindow = np.zeros_like(window)
    for f in range((len(signal) - WIN) // HOP):
        sl = slice(f * HOP, f * HOP + WIN)
        dsignal[sl] += window * dframes[f]
        dwindow += signal[sl] * dframes[f]
    return dsignal, dwindow
