import numpy as np

LABELS = {
    'id': 'b084',
    'op': 'explicit Euler integration of a neural ODE',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [8],
    'fix': {8: 'state = states[step]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3)), rng.standard_normal((3, 3))


def forward(h, w):
    for _ in range(4):
        h = h + 0.25 * np.tanh(h @ w)
    return h


def right_backward(adjoint, h, w):
    states = [h]
    for _ in range(4):
        h = h + 0.25 * np.tanh(h @ w)
        states.append(h)
    grad_w = np.zeros_like(w)
    for step in range(3, -1, -1):
        state = states[step]
        slope = 0.25 * (1 - np.tanh(state @ w) ** 2) * adjoint
        grad_w += state.T @ slope
        adjoint = adjoint + slope @ w.T
    return adjoint, grad_w


def wrong_backward(adjoint, h, w):
    states = [h]
    for _ in range(4):
        h = h + 0.25 * np.tanh(h @ w)
        states.append(h)
    grad_w = np.zeros_like(w)
    for step in range(3, -1, -1):
        state = states[-1]
        slope = 0.25 * (1 - np.tanh(state @ w) ** 2) * adjoint
        grad_w += state.T @ slope
        adjoint = adjoint + slope @ w.T
    return adjoint, grad_w
