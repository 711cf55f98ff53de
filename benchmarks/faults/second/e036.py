import numpy as np

LABELS = {
    'id': 'e036',
    'op': 'gated causal convolution with dilation (WaveNet layer)',
    'family': 'wrong stride/padding',
    'wrong_lines': [16],
    'fix': {16: 'dx = dy + dxp[:, pad:]'},
    'note': '',
    'source': 'left padding cropped from the wrong end',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 7 + seed % 2)), rng.standard_normal((2, 2, 2)), rng.standard_normal((2, 2, 2))


def causal(x, w, d):
    pad = (w.shape[2] - 1) * d
    xp = np.pad(x, ((0, 0), (pad, 0)))
    T = x.shape[1]
    return sum(w[:, :, k] @ xp[:, k * d : k * d + T] for k in range(w.shape[2]))


def forward(x, wf, wg):
    return x + np.tanh(causal(x, wf, 2)) / (1 + np.exp(-causal(x, wg, 2)))


def right_backward(dy, x, wf, wg):
    d, K, T = 2, wf.shape[2], x.shape[1]
    pad = (K - 1) * d
    xp = np.pad(x, ((0, 0), (pad, 0)))
    f = np.tanh(causal(x, wf, d))
    g = 1 / (1 + np.exp(-causal(x, wg, d)))
    df = dy * g * (1 - f**2)
    dg = dy * f * g * (1 - g)
    dxp = np.zeros_like(xp)
    dwf, dwg = np.zeros_like(wf), np.zeros_like(wg)
    for k in range(K):
        window = slice(k * d, k * d + T)
        dwf[:, :, k] = df @ xp[:, window].T
        dwg[:, :, k] = dg @ xp[:, window].T
        dxp[:, window] += wf[:, :, k].T @ df + wg[:, :, k].T @ dg
    dx = dy + dxp[:, pad:]
    return dx, dwf, dwg


def wrong_backward(dy, x, wf, wg):
    d, K, T = 2, wf.shape[2], x.shape[1]
    pad = (K - 1) * d
    xp = np.pad(x, ((0, 0), (pad, 0)))
    f = np.tanh(causal(x, wf, d))
    g = 1 / (1 + np.exp(-causal(x, wg, d)))
    df = dy * g * (1 - f**2)
    dg = dy * f * g * (1 - g)
    dxp = np.zeros_like(xp)
    dwf, dwg = np.zeros_like(wf), np.zeros_like(wg)
    for k in range(K):
        window = slice(k * d, k * d + T)
        dwf[:, :, k] = df @ xp[:, window].T
        dwg[:, :, k] = dg @ xp[:, window].T
        dxp[:, window] += wf[:, :, k].T @ df + wg[:, :, k].T @ dg
    dx = dy + dxp[:, :-pad]
    return dx, dwf, dwg
