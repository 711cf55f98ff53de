import numpy as np

LABELS = {
    'id': 'c008',
    'op': 'convolution with dilation 2',
    'family': 'wrong stride/padding',
    'wrong_lines': [8],
    'fix': {8: 'dx[:, 2 * a : 2 * a + oh, 2 * b : 2 * b + ow] += np.einsum("fc,fhw->chw", k[:, :, a, b], dout)'},
    'note': '',
    'source': 'NervanaSystems/neon#111 and others (loops of backward do not repeat those of forward)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 7, 8)), rng.standard_normal((3, 2, 3, 2))


def forward(x, k):
    f, c, kh, kw = k.shape
    oh, ow = x.shape[1] - 2 * (kh - 1), x.shape[2] - 2 * (kw - 1)
    out = np.zeros((f, oh, ow))
    for a in range(kh):
        for b in range(kw):
            out += np.einsum("fc,chw->fhw", k[:, :, a, b], x[:, 2 * a : 2 * a + oh, 2 * b : 2 * b + ow])
    return out


def right_backward(dout, x, k):
    _, oh, ow = dout.shape
    dx = np.zeros(x.shape); dk = np.zeros(k.shape)
    for a in range(k.shape[2]):
        for b in range(k.shape[3]):
            window = x[:, 2 * a : 2 * a + oh, 2 * b : 2 * b + ow]
            dk[:, :, a, b] = np.einsum("fhw,chw->fc", dout, window)
            dx[:, 2 * a : 2 * a + oh, 2 * b : 2 * b + ow] += np.einsum("fc,fhw->chw", k[:, :, a, b], dout)
    return dx, dk


def wrong_backward(dout, x, k):
    _, oh, ow = dout.shape
    dx = np.zeros(x.shape); dk = np.zeros(k.shape)
    for a in range(k.shape[2]):
        for b in range(k.shape[3]):
            window = x[:, 2 * a : 2 * a + oh, 2 * b : 2 * b + ow]
            dk[:, :, a, b] = np.einsum("fhw,chw->fc", dout, window)
            dx[:, a : a + oh, b : b + ow] += np.einsum("fc,fhw->chw", k[:, :, a, b], dout)
    return dx, dk
