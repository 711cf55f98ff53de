import numpy as np

LABELS = {
    'id': 'e044',
    'op': 'modulated linear layer with weight demodulation',
    'family': 'eps placement',
    'wrong_lines': [9],
    'fix': {9: 'dsumsq = -0.5 * ddemod * (sumsq + eps) ** -1.5'},
    'note': '',
    'source': 'StyleGAN2 demodulation (the sum without eps in the derivative)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3)), 1 + 0.5 * rng.standard_normal((2, 3)), 0.1 * rng.standard_normal((2 + seed % 2, 3))


def forward(x, style, weight):
    w = weight[None] * style[:, None, :]
    demod = 1 / np.sqrt((w**2).sum(axis=2, keepdims=True) + 1e-2)
    return np.einsum("noi,ni->no", w * demod, x)


def right_backward(dy, x, style, weight):
    eps = 1e-2
    w = weight[None] * style[:, None, :]
    sumsq = (w**2).sum(axis=2, keepdims=True)
    demod = (sumsq + eps) ** -0.5
    dwd = dy[:, :, None] * x[:, None, :]
    dx = np.einsum("no,noi->ni", dy, w * demod)
    ddemod = (dwd * w).sum(axis=2, keepdims=True)
    dsumsq = -0.5 * ddemod * (sumsq + eps) ** -1.5
    dw = dwd * demod + 2 * w * dsumsq
    dstyle = (dw * weight[None]).sum(axis=1)
    dweight = (dw * style[:, None, :]).sum(axis=0)
    return dx, dstyle, dweight


def wrong_backward(dy, x, style, weight):
    eps = 1e-2
    w = weight[None] * style[:, None, :]
    sumsq = (w**2).sum(axis=2, keepdims=True)
    demod = (sumsq + eps) ** -0.5
    dwd = dy[:, :, None] * x[:, None, :]
    dx = np.einsum("no,noi->ni", dy, w * demod)
    ddemod = (dwd * w).sum(axis=2, keepdims=True)
    dsumsq = -0.5 * ddemod * (sumsq ** -1.5 + eps)
    dw = dwd * demod + 2 * w * dsumsq
    dstyle = (dw * weight[None]).sum(axis=1)
    dweight = (dw * style[:, None, :]).sum(axis=0)
    return dx, dstyle, dweight
