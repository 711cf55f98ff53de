import numpy as np

LABELS = {
    'id': 't012',
    'op': '(1 - cos x)/x² near 0 in a safe form',
    'family': 'cancellation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([-2.0, -1e-3, 1e-6, 0.0, 0.3, 1.0]),)


def forward(x):
    return 0.5 * np.sinc(x / (2 * np.pi)) ** 2


def right_backward(dy, x):
    h = x / 2
    s = np.sinc(h / np.pi)
    small = np.abs(h) < 1e-2
    safe = np.where(small, 1.0, h)
    ds = np.where(small, -h / 3 + h**3 / 30, (np.cos(safe) - np.sin(safe) / safe) / safe)
    return dy * s * ds * 0.5
