import numpy as np

LABELS = {
    'id': 'c086',
    'op': 'convolution bias over batch, height and width',
    'family': 'missing broadcast sum',
    'wrong_lines': [4],
    'fix': {4: 'db = dout.sum(axis=(0, 2, 3))[:, None, None]'},
    'note': '',
    'source': 'CNN from scratch (bias gradient summed over the batch only)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((6, 3)), rng.standard_normal((6, 1, 1))


def forward(x, w, b):
    return np.einsum("oc,nchw->nohw", w, x) + b


def right_backward(dout, x, w, b):
    dx = np.einsum("oc,nohw->nchw", w, dout)
    dw = np.einsum("nohw,nchw->oc", dout, x)
    db = dout.sum(axis=(0, 2, 3))[:, None, None]
    return dx, dw, db


def wrong_backward(dout, x, w, b):
    dx = np.einsum("oc,nohw->nchw", w, dout)
    dw = np.einsum("nohw,nchw->oc", dout, x)
    db = dout.sum(axis=0)
    return dx, dw, db
