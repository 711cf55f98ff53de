import numpy as np

LABELS = {
    'id': 'f032',
    'op': 'minimal gated unit over a sequence',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [14],
    'fix': {14: 'da = g * f * (1 - c ** 2)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(3, 5))
    return rng.standard_normal((T, 2)), 0.7 * rng.standard_normal((5, 3)), 0.7 * rng.standard_normal((5, 3))


def forward(x, Wf, Wc):
    h, out = np.zeros(3), []
    for xt in x:
        f = 1 / (1 + np.exp(-np.concatenate([xt, h]) @ Wf))
        c = np.tanh(np.concatenate([xt, f * h]) @ Wc)
        h = (1 - f) * h + f * c
        out.append(h)
    return np.array(out)


def right_backward(dout, x, Wf, Wc):
    h, cache = np.zeros(3), []
    for xt in x:
        f = 1 / (1 + np.exp(-np.concatenate([xt, h]) @ Wf))
        c = np.tanh(np.concatenate([xt, f * h]) @ Wc)
        cache.append((h, f, c))
        h = (1 - f) * h + f * c
    dx, dWf, dWc = np.zeros_like(x), np.zeros_like(Wf), np.zeros_like(Wc)
    dh = np.zeros(3)
    for t in range(len(x) - 1, -1, -1):
        h, f, c = cache[t]
        g = dh + dout[t]
        dh = g * (1 - f)
        da = g * f * (1 - c ** 2)
        dWc += np.outer(np.concatenate([x[t], f * h]), da)
        dxc = Wc @ da
        df = g * (c - h) + dxc[2:] * h
        dh = dh + dxc[2:] * f
        ds = df * f * (1 - f)
        dWf += np.outer(np.concatenate([x[t], h]), ds)
        dxf = Wf @ ds
        dx[t] = dxc[:2] + dxf[:2]
        dh = dh + dxf[2:]
    return dx, dWf, dWc


def wrong_backward(dout, x, Wf, Wc):
    h, cache = np.zeros(3), []
    for xt in x:
        f = 1 / (1 + np.exp(-np.concatenate([xt, h]) @ Wf))
        c = np.tanh(np.concatenate([xt, f * h]) @ Wc)
        cache.append((h, f, c))
        h = (1 - f) * h + f * c
    dx, dWf, dWc = np.zeros_like(x), np.zeros_like(Wf), np.zeros_like(Wc)
    dh = np.zeros(3)
    for t in range(len(x) - 1, -1, -1):
        h, f, c = cache[t]
        g = dh + dout[t]
        dh = g * (1 - f)
        da = dh * f * (1 - c ** 2)
        dWc += np.outer(np.concatenate([x[t], f * h]), da)
        dxc = Wc @ da
        df = g * (c - h) + dxc[2:] * h
        dh = dh + dxc[2:] * f
        ds = df * f * (1 - f)
        dWf += np.outer(np.concatenate([x[t], h]), ds)
        dxf = Wf @ ds
        dx[t] = dxc[:2] + dxf[:2]
        dh = dh + dxf[2:]
    return dx, dWf, dWc
