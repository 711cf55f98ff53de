import numpy as np

LABELS = {
    'id': 'e034',
    'op': 'residual bottleneck block with a strided projection on the shortcut',
    'family': 'not accumulated',
    'wrong_lines': [24],
    'fix': {24: 'dx[:, ::2] += ws.T @ dout'},
    'note': '',
    'source': 'ResNet-D style block in one dimension (two paths into the input)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((4, 6)) + 0.5, rng.standard_normal((2, 4)) + 0.4, rng.standard_normal((2, 2, 3)) + 0.4,
        rng.standard_normal((4, 2)) + 0.4, rng.standard_normal((4, 4)),
    )


def conv3(h, w):
    """Kernel 3, stride 2, padding 1."""
    hp = np.pad(h, ((0, 0), (1, 1)))
    n = h.shape[1] // 2
    return sum(w[:, :, k] @ hp[:, k : k + 2 * n : 2] for k in range(3))


def forward(x, w1, w2, w3, ws):
    h1 = np.maximum(w1 @ x, 0)
    h2 = np.maximum(conv3(h1, w2), 0)
    return np.maximum(w3 @ h2 + ws @ x[:, ::2], 0)


def right_backward(dout, x, w1, w2, w3, ws):
    a1 = w1 @ x
    h1 = np.maximum(a1, 0)
    a2 = conv3(h1, w2)
    h2 = np.maximum(a2, 0)
    out = w3 @ h2 + ws @ x[:, ::2]
    n = out.shape[1]

    dout = dout * (out > 0)
    # main branch
    dw3 = dout @ h2.T
    da2 = (w3.T @ dout) * (a2 > 0)
    hp = np.pad(h1, ((0, 0), (1, 1)))
    dhp = np.zeros_like(hp)
    dw2 = np.zeros_like(w2)
    for k in range(3):
        dw2[:, :, k] = da2 @ hp[:, k : k + 2 * n : 2].T
        dhp[:, k : k + 2 * n : 2] += w2[:, :, k].T @ da2
    da1 = dhp[:, 1:-1] * (a1 > 0)
    dw1 = da1 @ x.T
    dx = w1.T @ da1
    # shortcut
    dws = dout @ x[:, ::2].T
    dx[:, ::2] += ws.T @ dout
    return dx, dw1, dw2, dw3, dws


def wrong_backward(dout, x, w1, w2, w3, ws):
    a1 = w1 @ x
    h1 = np.maximum(a1, 0)
    a2 = conv3(h1, w2)
    h2 = np.maximum(a2, 0)
    out = w3 @ h2 + ws @ x[:, ::2]
    n = out.shape[1]

    dout = dout * (out > 0)
    # main branch
    dw3 = dout @ h2.T
    da2 = (w3.T @ dout) * (a2 > 0)
    hp = np.pad(h1, ((0, 0), (1, 1)))
    dhp = np.zeros_like(hp)
    dw2 = np.zeros_like(w2)
    for k in range(3):
        dw2[:, :, k] = da2 @ hp[:, k : k + 2 * n : 2].T
        dhp[:, k : k + 2 * n : 2] += w2[:, :, k].T @ da2
    da1 = dhp[:, 1:-1] * (a1 > 0)
    dw1 = da1 @ x.T
    dx = w1.T @ da1
    # shortcut
    dws = dout @ x[:, ::2].T
    dx[:, ::2] = ws.T @ dout
    return dx, dw1, dw2, dw3, dws
