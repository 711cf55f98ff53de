import numpy as np

LABELS = {
    'id': 'e022',
    'op': 'deep equilibrium layer, gradient by the implicit function theorem',
    'family': 'detached path',
    'wrong_lines': [8],
    'fix': {8: 'u = np.linalg.solve(np.eye(len(J)) - J.T, dz[n])'},
    'note': '',
    'source': 'DEQ with a linear solve in the backward',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2 + seed % 2, 3)), 0.35 * rng.standard_normal((3, 3))


def solve_fixed_point(x, W):
    z = np.zeros_like(x)
    for _ in range(200):
        z = np.tanh(z @ W.T + x)
    return z


def forward(x, W):
    return solve_fixed_point(x, W)


def right_backward(dz, x, W):
    z = solve_fixed_point(x, W)
    dx = np.zeros_like(x)
    dW = np.zeros_like(W)
    for n in range(len(x)):
        slope = 1 - z[n] ** 2
        J = slope[:, None] * W
        u = np.linalg.solve(np.eye(len(J)) - J.T, dz[n])
        da = slope * u
        dx[n] = da
        dW += np.outer(da, z[n])
    return dx, dW


def wrong_backward(dz, x, W):
    z = solve_fixed_point(x, W)
    dx = np.zeros_like(x)
    dW = np.zeros_like(W)
    for n in range(len(x)):
        slope = 1 - z[n] ** 2
        J = slope[:, None] * W
        u = dz[n]
        da = slope * u
        dx[n] = da
        dW += np.outer(da, z[n])
    return dx, dW
