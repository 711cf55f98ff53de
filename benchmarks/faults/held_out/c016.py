import numpy as np

LABELS = {
    'id': 'c016',
    'op': 'transposed convolution 1d, stride 3',
    'family': 'wrong stride/padding',
    'wrong_lines': [6],
    'fix': {6: 'start = t * STRIDE'},
    'note': '',
    'source': 'ONNX and Keras ports of Conv1DTranspose',
}


STRIDE = 3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4)), rng.standard_normal((2, 3, 5))


def forward(x, w):
    c_in, length = x.shape
    _, c_out, k = w.shape
    y = np.zeros((c_out, (length - 1) * STRIDE + k))
    for t in range(length):
        y[:, t * STRIDE : t * STRIDE + k] += np.einsum("i,iok->ok", x[:, t], w)
    return y


def right_backward(dy, x, w):
    k = w.shape[2]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for t in range(x.shape[1]):
        start = t * STRIDE
        piece = dy[:, start : start + k]
        dx[:, t] = np.einsum("ok,iok->i", piece, w)
        dw += np.einsum("i,ok->iok", x[:, t], piece)
    return dx, dw


def wrong_backward(dy, x, w):
    k = w.shape[2]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for t in range(x.shape[1]):
        start = t * (STRIDE - 1)
        piece = dy[:, start : start + k]
        dx[:, t] = np.einsum("ok,iok->i", piece, w)
        dw += np.einsum("i,ok->iok", x[:, t], piece)
    return dx, dw
