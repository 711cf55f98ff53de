import numpy as np

LABELS = {
    'id': 'c026',
    'op': 'hinge loss, several classes (SVM)',
    'family': 'missing term',
    'wrong_lines': [14],
    'fix': {14: 'insert before: dW[:, y[i]] -= X[i]'},
    'note': '',
    'source': 'cs231n assignment 1 (the row of the right class gets no gradient)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 6)), rng.standard_normal((7, 4)), rng.integers(0, 6, 7)


def forward(W, X, y):
    scores = X @ W
    right = scores[np.arange(len(y)), y][:, None]
    margin = np.maximum(0, scores - right + 1)
    margin[np.arange(len(y)), y] = 0
    return margin.sum() / len(y) + 0.1 * np.sum(W * W)


def right_backward(dloss, W, X, y):
    num_train = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(num_train), y]
    dW = np.zeros(W.shape)
    dX = np.zeros(X.shape)
    for i in range(num_train):
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[i, j] - correct[i] + 1
            if margin > 0:
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
                dX[i] += W[:, j] - W[:, y[i]]
    dW = dW / num_train + 0.2 * W
    return dloss * dW, dloss * dX / num_train, None


def wrong_backward(dloss, W, X, y):
    num_train = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(num_train), y]
    dW = np.zeros(W.shape)
    dX = np.zeros(X.shape)
    for i in range(num_train):
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[i, j] - correct[i] + 1
            if margin > 0:
                dW[:, j] += X[i]
                dX[i] += W[:, j] - W[:, y[i]]
    dW = dW / num_train + 0.2 * W
    return dloss * dW, dloss * dX / num_train, None
