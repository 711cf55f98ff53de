import numpy as np

LABELS = {
    'id': 'r012',
    'op': 'cross-entropy: probabilities cached, then changed in place in their own copy',
    'family': 'in-place but legal',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 4)), rng.standard_normal((4, 3)), rng.integers(0, 3, 5).astype(np.uint8)


CACHE = {}


def forward(x, W, y):
    z = x @ W
    z -= z.max(1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(1, keepdims=True)
    CACHE["p"] = z
    return -np.log(z[np.arange(len(y)), y]).mean()


def right_backward(dy, x, W, y):
    forward(x, W, y)
    g = CACHE.pop("p")
    g[np.arange(len(y)), y] -= 1
    g *= dy / len(y)
    return g @ W.T, x.T @ g, None
