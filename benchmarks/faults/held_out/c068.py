import numpy as np

LABELS = {
    'id': 'c068',
    'op': 'cosine similarity matrix of two sets (CLIP)',
    'family': 'missing term',
    'wrong_lines': [6],
    'fix': {6: 'dtxt = through_unit(gt, txt)'},
    'note': '',
    'source': 'contrastive learning (projection of the normalisation is dropped)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((5 + seed % 3, 3))


def unit(a):
    return a / np.linalg.norm(a, axis=1, keepdims=True)


def forward(img, txt):
    return unit(img) @ unit(txt).T


def through_unit(g, a):
    n = np.linalg.norm(a, axis=1, keepdims=True)
    u = a / n
    return (g - u * (g * u).sum(axis=1, keepdims=True)) / n


def right_backward(G, *saved_values):
    (img, txt) = saved_values
    gi = G @ unit(txt)
    gt = G.T @ unit(img)
    dimg = through_unit(gi, img)
    dtxt = through_unit(gt, txt)
    return dimg, dtxt


def wrong_backward(G, *saved_values):
    (img, txt) = saved_values
    gi = G @ unit(txt)
    gt = G.T @ unit(img)
    dimg = through_unit(gi, img)
    dtxt = gt / np.linalg.norm(txt, axis=1, keepdims=True)
    return dimg, dtxt
