import numpy as np

LABELS = {
    'id': 'b115',
    'op': 'two-layer perceptron with a dictionary of gradients',
    'family': 'missing term',
    'wrong_lines': [10],
    'fix': {10: 'grads["w1"] = x.T @ dhidden + 2 * reg * dloss * w1'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 6]))
    return rng.standard_normal((n, 3)), rng.standard_normal((3, 5)), rng.standard_normal((5, 2))


def forward(x, w1, w2):
    hidden = np.maximum(x @ w1, 0)
    return np.sum((hidden @ w2) ** 2) / len(x) + 0.05 * (np.sum(w1**2) + np.sum(w2**2))


def right_backward(dloss, x, w1, w2):
    grads = {}
    reg = 0.05
    hidden = np.maximum(x @ w1, 0)
    scores = hidden @ w2
    dscores = 2 * dloss * scores / len(x)
    grads["w2"] = hidden.T @ dscores + 2 * reg * dloss * w2
    dhidden = dscores @ w2.T
    dhidden[hidden <= 0] = 0
    grads["w1"] = x.T @ dhidden + 2 * reg * dloss * w1
    grads["x"] = dhidden @ w1.T
    return grads["x"], grads["w1"], grads["w2"]


def wrong_backward(dloss, x, w1, w2):
    grads = {}
    reg = 0.05
    hidden = np.maximum(x @ w1, 0)
    scores = hidden @ w2
    dscores = 2 * dloss * scores / len(x)
    grads["w2"] = hidden.T @ dscores + 2 * reg * dloss * w2
    dhidden = dscores @ w2.T
    dhidden[hidden <= 0] = 0
    grads["w1"] = x.T @ dhidden
    grads["x"] = dhidden @ w1.T
    return grads["x"], grads["w1"], grads["w2"]
