import numpy as np

LABELS = {
    'id': 'e027',
    'op': 'Tversky loss of soft masks',
    'family': 'wrong variable',
    'wrong_lines': [12, 13],
    'fix': {12: 'dfp = alpha * dden', 13: 'dfn = beta * dden'},
    'note': 'two lines',
    'source': 'segmentation loss with separate weights of false positives and negatives',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 3)), rng.integers(0, 2, (2, 3, 3))


def forward(logit, mask):
    p = 1 / (1 + np.exp(-logit))
    tp = (p * mask).sum(axis=(1, 2))
    fp = (p * (1 - mask)).sum(axis=(1, 2))
    fn = ((1 - p) * mask).sum(axis=(1, 2))
    return 1 - (tp + 1) / (tp + 0.3 * fp + 0.7 * fn + 1)


def right_backward(dy, logit, mask):
    alpha, beta, smooth = 0.3, 0.7, 1.0
    p = 1 / (1 + np.exp(-logit))
    tp = (p * mask).sum(axis=(1, 2), keepdims=True)
    fp = (p * (1 - mask)).sum(axis=(1, 2), keepdims=True)
    fn = ((1 - p) * mask).sum(axis=(1, 2), keepdims=True)
    num = tp + smooth
    den = tp + alpha * fp + beta * fn + smooth
    dnum = -dy[:, None, None] / den
    dden = dy[:, None, None] * num / den**2
    dtp = dnum + dden
    dfp = alpha * dden
    dfn = beta * dden
    dp = dtp * mask + dfp * (1 - mask) - dfn * mask
    return dp * p * (1 - p), None


def wrong_backward(dy, logit, mask):
    alpha, beta, smooth = 0.3, 0.7, 1.0
    p = 1 / (1 + np.exp(-logit))
    tp = (p * mask).sum(axis=(1, 2), keepdims=True)
    fp = (p * (1 - mask)).sum(axis=(1, 2), keepdims=True)
    fn = ((1 - p) * mask).sum(axis=(1, 2), keepdims=True)
    num = tp + smooth
    den = tp + alpha * fp + beta * fn + smooth
    dnum = -dy[:, None, None] / den
    dden = dy[:, None, None] * num / den**2
    dtp = dnum + dden
    dfp = beta * dden
    dfn = alpha * dden
    dp = dtp * mask + dfp * (1 - mask) - dfn * mask
    return dp * p * (1 - p), None
