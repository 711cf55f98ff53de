import numpy as np

LABELS = {
    'id': 'r109',
    'op': 'layer norm through its explicit Jacobian, built as a product of projections',
    'family': 'unusual algebra',
    'note': 'P = I - 11ᵀ/n - x̂x̂ᵀ/n with eps corrected',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 5 + 3 * rng.standard_normal((2 + seed % 2, 5)), rng.standard_normal(5)


def forward(x, gamma):
    c = x - x.mean(axis=1, keepdims=True)
    return c / np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-3) * gamma


def right_backward(dy, x, gamma):
    n = x.shape[1]
    centre = np.eye(n) - 1 / n
    dx, dgamma = [], 0
    for row, g in zip(x, dy):
        xh = centre @ row
        s = np.hypot(np.linalg.norm(xh) / np.sqrt(n), np.sqrt(1e-3))
        xh = xh / s
        J = (centre - np.outer(xh, xh) / n) / s
        dx.append(J.T @ (gamma * g))
        dgamma = dgamma + xh * g
    return np.stack(dx), dgamma
