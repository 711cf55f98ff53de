import numpy as np

LABELS = {
    'id': 'c084',
    'op': 'gradient of a cross-entropy that ignores padding',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'probs *= keep[:, None] / keep.sum()'},
    'note': '',
    'source': 'sequence losses (ignore_index counted in the gradient)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 4)), np.array([1, 3, 0, 0, 2, 0])


def forward(logits, tokens, pad=0):
    lse = np.log(np.exp(logits).sum(axis=1))
    nll = lse - logits[np.arange(len(tokens)), tokens]
    keep = tokens != pad
    return nll[keep].sum() / keep.sum()


def right_backward(g, logits, tokens, pad=0):
    keep = tokens != pad
    probs = np.exp(logits)
    probs = probs / probs.sum(axis=1, keepdims=True)
    probs[np.arange(len(tokens)), tokens] -= 1
    probs *= keep[:, None] / keep.sum()
    return g * probs, None


def wrong_backward(g, logits, tokens, pad=0):
    keep = tokens != pad
    probs = np.exp(logits)
    probs = probs / probs.sum(axis=1, keepdims=True)
    probs[np.arange(len(tokens)), tokens] -= 1
    probs *= 1.0 / keep.sum()
    return g * probs, None
