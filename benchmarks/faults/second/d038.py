import numpy as np

LABELS = {
    'id': 'd038',
    'op': 'frames of a signal, centred by reflection, with a learned window',
    'family': 'not flipped',
    'wrong_lines': [11, 12],
    'fix': {11: 'dsignal[1 : p + 1] += dpadded[:p][::-1]', 12: 'dsignal[-p - 1 : -1] += dpadded[-p:][::-1]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


N_FFT, HOP = 6, 2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(int(rng.integers(4, 6)) * 2), rng.standard_normal(N_FFT)


def forward(signal, window):
    p = N_FFT // 2
    s = np.pad(signal, p, mode="reflect")
    n = (len(s) - N_FFT) // HOP + 1
    return np.stack([s[i * HOP : i * HOP + N_FFT] * window for i in range(n)])


def right_backward(dframes, signal, window):
    p = N_FFT // 2
    padded = np.pad(signal, p, mode="reflect")
    dpadded = np.zeros_like(padded)
    dwindow = np.zeros_like(window)
    for i, df in enumerate(dframes):
        lo = i * HOP
        dpadded[lo : lo + N_FFT] += df * window
        dwindow += df * padded[lo : lo + N_FFT]
    dsignal = dpadded[p:-p].copy()
    dsignal[1 : p + 1] += dpadded[:p][::-1]
    dsignal[-p - 1 : -1] += dpadded[-p:][::-1]
    return dsignal, dwindow


def wrong_backward(dframes, signal, window):
    p = N_FFT // 2
    padded = np.pad(signal, p, mode="reflect")
    dpadded = np.zeros_like(padded)
    dwindow = np.zeros_like(window)
    for i, df in enumerate(dframes):
        lo = i * HOP
        dpadded[lo : lo + N_FFT] += df * window
        dwindow += df * padded[lo : lo + N_FFT]
    dsignal = dpadded[p:-p].copy()
    dsignal[1 : p + 1] += dpadded[:p]
    dsignal[-p - 1 : -1] += dpadded[-p:]
    return dsignal, dwindow
