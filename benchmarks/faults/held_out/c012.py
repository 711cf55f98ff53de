import numpy as np

LABELS = {
    'id': 'c012',
    'op': 'two-layer perceptron, samples in columns',
    'family': 'wrong scale',
    'wrong_lines': [12],
    'fix': {12: 'grads["db1"] = np.sum(dZ1, axis=1, keepdims=True) / m'},
    'note': '',
    'source': 'community.deeplearning.ai course 1 (1/m missing in one of the gradients)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n_x, n_h, m = 3, 4, 6 + seed % 3
    X = rng.standard_normal((n_x, m))
    Y = (rng.random((1, m)) < 0.5).astype(float) * 0.8 + 0.1
    return X, Y, rng.standard_normal((n_h, n_x)), rng.standard_normal((n_h, 1)), rng.standard_normal((1, n_h)), rng.standard_normal((1, 1))


def forward(X, Y, W1, b1, W2, b2):
    A1 = np.tanh(W1 @ X + b1)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


def right_backward(dcost, X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(np.dot(W1, X) + b1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    grads = {}
    dZ2 = dcost * (A2 - Y)
    grads["dW2"] = np.dot(dZ2, A1.T) / m
    grads["db2"] = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    grads["dW1"] = np.dot(dZ1, X.T) / m
    grads["db1"] = np.sum(dZ1, axis=1, keepdims=True) / m
    grads["dX"] = np.dot(W1.T, dZ1) / m
    grads["dY"] = -dcost * Z2 / m
    return tuple(grads[k] for k in ("dX", "dY", "dW1", "db1", "dW2", "db2"))


def wrong_backward(dcost, X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(np.dot(W1, X) + b1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    grads = {}
    dZ2 = dcost * (A2 - Y)
    grads["dW2"] = np.dot(dZ2, A1.T) / m
    grads["db2"] = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    grads["dW1"] = np.dot(dZ1, X.T) / m
    grads["db1"] = np.sum(dZ1, axis=1, keepdims=True)
    grads["dX"] = np.dot(W1.T, dZ1) / m
    grads["dY"] = -dcost * Z2 / m
    return tuple(grads[k] for k in ("dX", "dY", "dW1", "db1", "dW2", "db2"))
