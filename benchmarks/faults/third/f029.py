import numpy as np

LABELS = {
    'id': 'f029',
    'op': 'linear layer with weights divided by their largest magnitude',
    'family': 'detached path',
    'wrong_lines': [9],
    'fix': {9: 'insert before: grad_w.flat[flat] -= np.sign(w.flat[flat]) * (grad_w_hat * w_hat).sum() / scale'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.standard_normal((n, 4)), rng.standard_normal((4, 3)), rng.standard_normal(3)


def forward(x, w, b):
    return x @ (w / np.abs(w).max()) + b


def right_backward(grad_out, x, w, b):
    flat = np.abs(w).argmax()
    scale = np.abs(w).flat[flat]
    w_hat = w / scale
    grad_b = grad_out.sum(axis=0)
    grad_x = grad_out @ w_hat.T
    grad_w_hat = x.T @ grad_out
    grad_w = grad_w_hat / scale
    grad_w.flat[flat] -= np.sign(w.flat[flat]) * (grad_w_hat * w_hat).sum() / scale
    return grad_x, grad_w, grad_b


def wrong_backward(grad_out, x, w, b):
    flat = np.abs(w).argmax()
    scale = np.abs(w).flat[flat]
    w_hat = w / scale
    grad_b = grad_out.sum(axis=0)
    grad_x = grad_out @ w_hat.T
    grad_w_hat = x.T @ grad_out
    grad_w = grad_w_hat / scale
    return grad_x, grad_w, grad_b
