import numpy as np

LABELS = {
    'id': 'e050',
    'op': 'reversible residual block, inputs reconstructed in the backward',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [14],
    'fix': {14: 'daf = dz1 * (1 - f * f)'},
    'note': '',
    'source': 'RevNet algorithm 1',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 2 + seed % 2
    return tuple(rng.standard_normal((n, 3)) for _ in range(2)) + tuple(rng.standard_normal((3, 3)) for _ in range(2))


def forward(x1, x2, wf, wg):
    y1 = x1 + np.tanh(x2 @ wf)
    y2 = x2 + np.tanh(y1 @ wg)
    return np.concatenate([y1, y2], axis=1)


def right_backward(dy, x1, x2, wf, wg):
    c = x1.shape[1]
    y = forward(x1, x2, wf, wg)
    y1, y2 = y[:, :c], y[:, c:]
    dy1, dy2 = dy[:, :c], dy[:, c:]
    # second half of the block
    g = np.tanh(y1 @ wg)
    dag = dy2 * (1 - g * g)
    dwg = y1.T @ dag
    dz1 = dy1 + dag @ wg.T
    # first half, its input recovered from the output
    z2 = y2 - g
    f = np.tanh(z2 @ wf)
    daf = dz1 * (1 - f * f)
    dwf = z2.T @ daf
    dx2 = dy2 + daf @ wf.T
    return dz1, dx2, dwf, dwg


def wrong_backward(dy, x1, x2, wf, wg):
    c = x1.shape[1]
    y = forward(x1, x2, wf, wg)
    y1, y2 = y[:, :c], y[:, c:]
    dy1, dy2 = dy[:, :c], dy[:, c:]
    # second half of the block
    g = np.tanh(y1 @ wg)
    dag = dy2 * (1 - g * g)
    dwg = y1.T @ dag
    dz1 = dy1 + dag @ wg.T
    # first half, its input recovered from the output
    z2 = y2 - g
    f = np.tanh(z2 @ wf)
    daf = dy1 * (1 - f * f)
    dwf = z2.T @ daf
    dx2 = dy2 + daf @ wf.T
    return dz1, dx2, dwf, dwg
