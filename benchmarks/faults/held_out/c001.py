import numpy as np

LABELS = {
    'id': 'c001',
    'op': 'GELU, tanh approximation',
    'family': 'wrong factor',
    'wrong_lines': [4],
    'fix': {4: 'inner = c * (1 + 3 * 0.044715 * x**2)'},
    'note': '',
    'source': "common in hand-written transformer code (the cubic term's own derivative, 3)",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3 + seed % 3, 5)),)


def forward(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def right_backward(grad_output, x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    inner = c * (1 + 3 * 0.044715 * x**2)
    return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner)


def wrong_backward(grad_output, x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    inner = c * (1 + 0.044715 * x**2)
    return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner)
