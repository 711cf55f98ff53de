import numpy as np

LABELS = {
    'id': 'd041',
    'op': 'policy gradient loss with an entropy bonus',
    'family': 'sign',
    'wrong_lines': [9],
    'fix': {9: 'dlogits += BETA * p * (logp + entropy)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


BETA = 0.3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n, k = 5, int(rng.integers(3, 6))
    return rng.standard_normal((n, k)) * 1.5, rng.integers(0, k, n), rng.standard_normal(n)


def forward(logits, actions, adv):
    z = logits - logits.max(1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    entropy = -(np.exp(logp) * logp).sum(1)
    return np.mean(-adv * logp[np.arange(len(adv)), actions] - BETA * entropy)


def right_backward(dloss, logits, actions, adv):
    n, k = logits.shape
    z = logits - logits.max(1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    p = np.exp(logp)
    entropy = -(p * logp).sum(1, keepdims=True)
    onehot = np.eye(k)[actions]
    dlogits = adv[:, None] * (p - onehot)
    dlogits += BETA * p * (logp + entropy)
    dlogits *= dloss / n
    dadv = -dloss * logp[np.arange(n), actions] / n
    return dlogits, None, dadv


def wrong_backward(dloss, logits, actions, adv):
    n, k = logits.shape
    z = logits - logits.max(1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    p = np.exp(logp)
    entropy = -(p * logp).sum(1, keepdims=True)
    onehot = np.eye(k)[actions]
    dlogits = adv[:, None] * (p - onehot)
    dlogits -= BETA * p * (logp + entropy)
    dlogits *= dloss / n
    dadv = -dloss * logp[np.arange(n), actions] / n
    return dlogits, None, dadv
