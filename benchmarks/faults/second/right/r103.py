import numpy as np

LABELS = {
    'id': 'r103',
    'op': 'two gated layers, every gradient written over the upstream after its last use',
    'family': 'in-place but legal',
    'note': 'buffers are reused as in a CUDA kernel',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    return rng.standard_normal((n, 4)), rng.standard_normal((n, 4)), rng.standard_normal(4)


def forward(x, gate, scale):
    h = x * np.tanh(gate)
    return h * h * scale + x


def right_backward(dy, x, gate, scale):
    t = np.tanh(gate)
    h = x * t
    skip = dy.copy()
    dscale = np.einsum("ni,ni,ni->i", dy, h, h)
    dy *= scale
    dy *= 2 * h
    np.multiply(dy, x, out=h)
    dy *= t
    dy += skip
    np.multiply(t, t, out=t)
    np.subtract(1, t, out=t)
    h *= t
    return dy, h, dscale
