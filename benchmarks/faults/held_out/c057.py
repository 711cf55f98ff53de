import numpy as np

LABELS = {
    'id': 'c057',
    'op': 'layer normalisation in steps',
    'family': 'detached path',
    'wrong_lines': [8, 9],
    'fix': {8: 'insert before: gc += gsd * c / (n * sd)', 9: 'insert before: g -= gc.mean(-1, keepdims=True)'},
    'note': 'two lines',
    'source': 'fast.ai and course notebooks (mean and deviation taken as constants)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 6)), rng.standard_normal(6)


def forward(inp, w):
    mu = inp.mean(-1, keepdims=True)
    sd = np.sqrt(((inp - mu) ** 2).mean(-1, keepdims=True) + 1e-5)
    return w * (inp - mu) / sd


def right_backward(out_g, inp, w):
    n = inp.shape[-1]
    mu = inp.mean(-1, keepdims=True)
    c = inp - mu
    sd = np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5)
    gc = out_g * w / sd
    gsd = -(out_g * w * c).sum(-1, keepdims=True) / sd**2
    gc += gsd * c / (n * sd)
    g = gc.copy()
    g -= gc.mean(-1, keepdims=True)
    return g, (out_g * c / sd).sum(0)


def wrong_backward(out_g, inp, w):
    n = inp.shape[-1]
    mu = inp.mean(-1, keepdims=True)
    c = inp - mu
    sd = np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5)
    gc = out_g * w / sd
    gsd = -(out_g * w * c).sum(-1, keepdims=True) / sd**2
    g = gc.copy()
    return g, (out_g * c / sd).sum(0)
