import numpy as np

LABELS = {
    'id': 'f003',
    'op': 'bidirectional tanh recurrent layer, both directions concatenated',
    'family': 'not flipped',
    'wrong_lines': [5],
    'fix': {5: 'dx_b, dWb, dUb = run_back(d_bwd[::-1], x[::-1], Wb, Ub)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(3, 6))
    r = rng.standard_normal
    return r((T, 2)), r((2, 2)), 0.5 * r((2, 2)), r((2, 3)), 0.5 * r((3, 3))


def run(x, W, U):
    h, hs = np.zeros(U.shape[0]), []
    for xt in x:
        h = np.tanh(xt @ W + h @ U)
        hs.append(h)
    return np.array(hs)


def run_back(dhs, x, W, U):
    hs = run(x, W, U)
    dx, dW, dU, carry = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), 0.0
    for t in reversed(range(len(x))):
        dz = (dhs[t] + carry) * (1 - hs[t] ** 2)
        dx[t], carry = W @ dz, U @ dz
        dW += np.outer(x[t], dz)
        if t:
            dU += np.outer(hs[t - 1], dz)
    return dx, dW, dU


def forward(x, Wf, Uf, Wb, Ub):
    return np.concatenate([run(x, Wf, Uf), run(x[::-1], Wb, Ub)[::-1]], axis=1)


def right_backward(dy, x, Wf, Uf, Wb, Ub):
    n = Uf.shape[0]
    d_fwd, d_bwd = dy[:, :n], dy[:, n:]
    dx_f, dWf, dUf = run_back(d_fwd, x, Wf, Uf)
    dx_b, dWb, dUb = run_back(d_bwd[::-1], x[::-1], Wb, Ub)
    dx = dx_f + dx_b[::-1]
    return dx, dWf, dUf, dWb, dUb


def wrong_backward(dy, x, Wf, Uf, Wb, Ub):
    n = Uf.shape[0]
    d_fwd, d_bwd = dy[:, :n], dy[:, n:]
    dx_f, dWf, dUf = run_back(d_fwd, x, Wf, Uf)
    dx_b, dWb, dUb = run_back(d_bwd, x[::-1], Wb, Ub)
    dx = dx_f + dx_b[::-1]
    return dx, dWf, dUf, dWb, dUb
