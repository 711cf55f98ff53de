import numpy as np

LABELS = {
    'id': 'e038',
    'op': 'selective state-space scan (Mamba recurrence)',
    'family': 'missing broadcast sum',
    'wrong_lines': [8],
    'fix': {8: 'dD = (dy * u).sum(axis=(0, 1))'},
    'note': '',
    'source': 'reference selective scan, gradient of the skip weight D',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    b, t, d, n = 2, 3, 2, 2
    return (
        rng.standard_normal((b, t, d)), 0.2 + rng.random((b, t, d)), -0.5 - rng.random((d, n)),
        rng.standard_normal((b, t, n)), rng.standard_normal((b, t, n)), rng.standard_normal(d),
    )


def forward(u, delta, A, B, C, D):
    h = np.zeros((u.shape[0],) + A.shape)
    y = np.zeros_like(u)
    for t in range(u.shape[1]):
        h = np.exp(delta[:, t, :, None] * A) * h + (delta[:, t] * u[:, t])[:, :, None] * B[:, t, None, :]
        y[:, t] = np.einsum("bdn,bn->bd", h, C[:, t])
    return y + u * D


def right_backward(dy, u, delta, A, B, C, D):
    b, T, d = u.shape
    hs = [np.zeros((b,) + A.shape)]
    for t in range(T):
        hs.append(np.exp(delta[:, t, :, None] * A) * hs[-1] + (delta[:, t] * u[:, t])[:, :, None] * B[:, t, None, :])

    du = dy * D
    dD = (dy * u).sum(axis=(0, 1))
    ddelta, dA = np.zeros_like(delta), np.zeros_like(A)
    dB, dC = np.zeros_like(B), np.zeros_like(C)
    dh = np.zeros_like(hs[0])
    for t in reversed(range(T)):
        dC[:, t] = np.einsum("bd,bdn->bn", dy[:, t], hs[t + 1])
        dh = dh + dy[:, t, :, None] * C[:, t, None, :]
        decay = np.exp(delta[:, t, :, None] * A)
        # input term
        s = np.einsum("bdn,bn->bd", dh, B[:, t])
        du[:, t] += s * delta[:, t]
        ddelta[:, t] += s * u[:, t]
        dB[:, t] = np.einsum("bdn,bd->bn", dh, delta[:, t] * u[:, t])
        # decay term
        darg = dh * hs[t] * decay
        ddelta[:, t] += (darg * A).sum(axis=2)
        dA += (darg * delta[:, t, :, None]).sum(axis=0)
        dh = dh * decay
    return du, ddelta, dA, dB, dC, dD


def wrong_backward(dy, u, delta, A, B, C, D):
    b, T, d = u.shape
    hs = [np.zeros((b,) + A.shape)]
    for t in range(T):
        hs.append(np.exp(delta[:, t, :, None] * A) * hs[-1] + (delta[:, t] * u[:, t])[:, :, None] * B[:, t, None, :])

    du = dy * D
    dD = (dy * u).sum(axis=1)
    ddelta, dA = np.zeros_like(delta), np.zeros_like(A)
    dB, dC = np.zeros_like(B), np.zeros_like(C)
    dh = np.zeros_like(hs[0])
    for t in reversed(range(T)):
        dC[:, t] = np.einsum("bd,bdn->bn", dy[:, t], hs[t + 1])
        dh = dh + dy[:, t, :, None] * C[:, t, None, :]
        decay = np.exp(delta[:, t, :, None] * A)
        # input term
        s = np.einsum("bdn,bn->bd", dh, B[:, t])
        du[:, t] += s * delta[:, t]
        ddelta[:, t] += s * u[:, t]
        dB[:, t] = np.einsum("bdn,bd->bn", dh, delta[:, t] * u[:, t])
        # decay term
        darg = dh * hs[t] * decay
        ddelta[:, t] += (darg * A).sum(axis=2)
        dA += (darg * delta[:, t, :, None]).sum(axis=0)
        dh = dh * decay
    return du, ddelta, dA, dB, dC, dD
