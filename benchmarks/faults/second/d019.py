import numpy as np

LABELS = {
    'id': 'd019',
    'op': 'pairwise ranking loss over given pairs',
    'family': 'missing upstream dy',
    'wrong_lines': [9],
    'fix': {9: 'return dloss * np.outer(dscores, w), dloss * (feats.T @ dscores), None'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    pairs = np.array([[0, 1], [2, 1], [3, 0], [4, 5], [5, 2], [6, 3], [1, 6]])
    return rng.standard_normal((7, 3)), rng.standard_normal(3), pairs


def forward(feats, w, pairs):
    s = feats @ w
    return np.mean(np.maximum(0, 1 - (s[pairs[:, 0]] - s[pairs[:, 1]])))


def right_backward(dloss, feats, w, pairs):
    scores = feats @ w
    better, worse = pairs[:, 0], pairs[:, 1]
    violated = (1 - (scores[better] - scores[worse]) > 0).astype(float)
    coef = violated / len(pairs)
    dscores = np.zeros_like(scores)
    np.add.at(dscores, better, -coef)
    np.add.at(dscores, worse, coef)
    return dloss * np.outer(dscores, w), dloss * (feats.T @ dscores), None


def wrong_backward(dloss, feats, w, pairs):
    scores = feats @ w
    better, worse = pairs[:, 0], pairs[:, 1]
    violated = (1 - (scores[better] - scores[worse]) > 0).astype(float)
    coef = violated / len(pairs)
    dscores = np.zeros_like(scores)
    np.add.at(dscores, better, -coef)
    np.add.at(dscores, worse, coef)
    return np.outer(dscores, w), feats.T @ dscores, None
