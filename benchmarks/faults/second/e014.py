import numpy as np

LABELS = {
    'id': 'e014',
    'op': 'squeeze-and-excitation with a hard sigmoid',
    'family': 'wrong mask/branch',
    'wrong_lines': [10],
    'fix': {10: 'da = ds / 6 * (np.abs(a) < 3)'},
    'note': '',
    'source': 'MobileNetV3 SE block',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4, 2, 2)), 2 * rng.standard_normal((2, 4)), 3 * rng.standard_normal((4, 2)), 1.5 * np.array([2.5, -2.5, 0.2, 1.0])


def forward(x, w1, w2, b2):
    z = x.mean(axis=(2, 3))
    s = np.clip((np.maximum(z @ w1.T, 0) @ w2.T + b2) / 6 + 0.5, 0, 1)
    return x * s[:, :, None, None]


def right_backward(dy, x, w1, w2, b2):
    N, C, H, W = x.shape
    z = x.mean(axis=(2, 3))
    h = z @ w1.T
    r = np.maximum(h, 0)
    a = r @ w2.T + b2
    s = np.clip(a / 6 + 0.5, 0, 1)

    ds = np.einsum("nchw,nchw->nc", dy, x)
    da = ds / 6 * (np.abs(a) < 3)
    dw2 = da.T @ r
    db2 = da.sum(axis=0)
    dh = (da @ w2) * (h > 0)
    dw1 = dh.T @ z
    dz = dh @ w1
    dx = dy * s[:, :, None, None] + dz[:, :, None, None] / (H * W)
    return dx, dw1, dw2, db2


def wrong_backward(dy, x, w1, w2, b2):
    N, C, H, W = x.shape
    z = x.mean(axis=(2, 3))
    h = z @ w1.T
    r = np.maximum(h, 0)
    a = r @ w2.T + b2
    s = np.clip(a / 6 + 0.5, 0, 1)

    ds = np.einsum("nchw,nchw->nc", dy, x)
    da = ds / 6 * (a > -3)
    dw2 = da.T @ r
    db2 = da.sum(axis=0)
    dh = (da @ w2) * (h > 0)
    dw1 = dh.T @ z
    dz = dh @ w1
    dx = dy * s[:, :, None, None] + dz[:, :, None, None] / (H * W)
    return dx, dw1, dw2, db2
