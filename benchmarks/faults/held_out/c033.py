import numpy as np

LABELS = {
    'id': 'c033',
    'op': 'gated recurrent unit over a sequence',
    'family': 'missing term',
    'wrong_lines': [25],
    'fix': {25: 'dh_next = dh * z + drh * r + dz @ Uz.T + dr @ Ur.T'},
    'note': '',
    'source': 'GRU from scratch (h_prev enters through the reset gate as well)',
}


def sg(u):
    return 1 / (1 + np.exp(-u))


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t, n, d, h = 3 + seed % 3, 2, 3, 4
    return rng.standard_normal((t, n, d)), rng.standard_normal((n, h)), rng.standard_normal((d, 3 * h)), rng.standard_normal((h, 3 * h)) / 2


def cell(x, h, W, U):
    xz, xr, xn = np.split(x @ W, 3, axis=1)
    Uz, Ur, Un = np.split(U, 3, axis=1)
    z, r = sg(xz + h @ Uz), sg(xr + h @ Ur)
    n = np.tanh(xn + (r * h) @ Un)
    return z, r, n, (1 - z) * n + z * h


def forward(X, h0, W, U):
    out, h = [], h0
    for x in X:
        h = cell(x, h, W, U)[-1]
        out.append(h)
    return np.array(out)


def right_backward(dH, X, h0, W, U):
    def dsigm(out, up):
        return up * out * (1 - out)

    states, gates = [h0], []
    for x in X:
        z, r, n, h = cell(x, states[-1], W, U)
        gates.append((z, r, n))
        states.append(h)
    Uz, Ur, Un = np.split(U, 3, axis=1)
    dX, dW, dU = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U)
    dh_next = np.zeros_like(h0)
    for t in range(len(X) - 1, -1, -1):
        z, r, n = gates[t]
        h = states[t]
        dh = dH[t] + dh_next
        dz = dsigm(z, dh * (h - n))
        dn = dh * (1 - z) * (1 - n**2)
        drh = dn @ Un.T
        dr = dsigm(r, drh * h)
        da = np.concatenate([dz, dr, dn], axis=1)
        dX[t] = da @ W.T
        dW += X[t].T @ da
        dU += np.concatenate([h.T @ dz, h.T @ dr, (r * h).T @ dn], axis=1)
        dh_next = dh * z + drh * r + dz @ Uz.T + dr @ Ur.T
    return dX, dh_next, dW, dU


def wrong_backward(dH, X, h0, W, U):
    def dsigm(out, up):
        return up * out * (1 - out)

    states, gates = [h0], []
    for x in X:
        z, r, n, h = cell(x, states[-1], W, U)
        gates.append((z, r, n))
        states.append(h)
    Uz, Ur, Un = np.split(U, 3, axis=1)
    dX, dW, dU = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U)
    dh_next = np.zeros_like(h0)
    for t in range(len(X) - 1, -1, -1):
        z, r, n = gates[t]
        h = states[t]
        dh = dH[t] + dh_next
        dz = dsigm(z, dh * (h - n))
        dn = dh * (1 - z) * (1 - n**2)
        drh = dn @ Un.T
        dr = dsigm(r, drh * h)
        da = np.concatenate([dz, dr, dn], axis=1)
        dX[t] = da @ W.T
        dW += X[t].T @ da
        dU += np.concatenate([h.T @ dz, h.T @ dr, (r * h).T @ dn], axis=1)
        dh_next = dh * z + dz @ Uz.T + dr @ Ur.T
    return dX, dh_next, dW, dU
