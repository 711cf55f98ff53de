import numpy as np

LABELS = {
    'id': 'b072',
    'op': 'convolution 2d, "same" padding',
    'family': 'not flipped',
    'wrong_lines': [2],
    'fix': {2: 'rotated = w[:, :, ::-1, ::-1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((1, 2, 4, 5)), rng.standard_normal((3, 2, 3, 3))


def _conv(x, w):
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    h, wd = x.shape[2:]
    return sum(np.einsum("nchw,oc->nohw", p[:, :, i : i + h, j : j + wd], w[:, :, i, j]) for i in range(3) for j in range(3))


def forward(x, w):
    return _conv(x, w)


def right_backward(dy, x, w):
    rotated = w[:, :, ::-1, ::-1]
    dx = _conv(dy, rotated.transpose(1, 0, 2, 3))
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dw = np.empty_like(w)
    for i, j in np.ndindex(3, 3):
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, p[:, :, i : i + x.shape[2], j : j + x.shape[3]])
    return dx, dw


def wrong_backward(dy, x, w):
    rotated = w[:, :, ::-1]
    dx = _conv(dy, rotated.transpose(1, 0, 2, 3))
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dw = np.empty_like(w)
    for i, j in np.ndindex(3, 3):
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, p[:, :, i : i + x.shape[2], j : j + x.shape[3]])
    return dx, dw
