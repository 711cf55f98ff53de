import numpy as np

LABELS = {
    'id': 'c022',
    'op': 'Sylvester equation A X + X B = C',
    'family': 'transposed',
    'wrong_lines': [4],
    'fix': {4: 'S = solve(A.T, B.T, Xbar)'},
    'note': '',
    'source': "Bartels-Stewart rules in papers' appendices",
}


def solve(A, B, C):
    n, m = C.shape
    big = np.kron(A, np.eye(m)) + np.kron(np.eye(n), B.T)
    return np.linalg.solve(big, C.ravel()).reshape(n, m)


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 2 * np.eye(3) + 0.4 * rng.standard_normal((3, 3)), 2 * np.eye(2) + 0.4 * rng.standard_normal((2, 2)), rng.standard_normal((3, 2))


def forward(A, B, C):
    return solve(A, B, C)


def right_backward(Xbar, *saved):
    A, B, C = saved
    X = solve(A, B, C)
    S = solve(A.T, B.T, Xbar)
    return -S @ X.T, -X.T @ S, S


def wrong_backward(Xbar, *saved):
    A, B, C = saved
    X = solve(A, B, C)
    S = solve(A, B, Xbar)
    return -S @ X.T, -X.T @ S, S
