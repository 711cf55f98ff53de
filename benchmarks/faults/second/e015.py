import numpy as np

LABELS = {
    'id': 'e015',
    'op': 'top-2 gating of four experts, renormalised',
    'family': 'wrong mask/branch',
    'wrong_lines': [8],
    'fix': {8: 'dgates = np.where(chosen, dgates, 0)'},
    'note': '',
    'source': 'mixture-of-experts router',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = 3 + seed % 2
    return rng.standard_normal((t, 4)), rng.standard_normal((t, 4, 2))


def forward(logits, expert_out):
    kth = np.sort(logits, axis=1)[:, -2:-1]
    e = np.where(logits >= kth, np.exp(logits), 0)
    gates = e / e.sum(axis=1, keepdims=True)
    return np.einsum("te,ted->td", gates, expert_out)


def right_backward(dy, logits, expert_out):
    kth = np.sort(logits, axis=1)[:, -2:-1]
    chosen = logits >= kth
    e = np.where(chosen, np.exp(logits), 0)
    gates = e / e.sum(axis=1, keepdims=True)
    dexp = gates[:, :, None] * dy[:, None, :]
    dgates = np.einsum("td,ted->te", dy, expert_out)
    dgates = np.where(chosen, dgates, 0)
    dlogits = gates * (dgates - (gates * dgates).sum(axis=1, keepdims=True))
    return dlogits, dexp


def wrong_backward(dy, logits, expert_out):
    kth = np.sort(logits, axis=1)[:, -2:-1]
    chosen = logits >= kth
    e = np.where(chosen, np.exp(logits), 0)
    gates = e / e.sum(axis=1, keepdims=True)
    dexp = gates[:, :, None] * dy[:, None, :]
    dgates = np.einsum("td,ted->te", dy, expert_out)
    dgates = np.where(logits > kth, dgates, 0)
    dlogits = gates * (dgates - (gates * dgates).sum(axis=1, keepdims=True))
    return dlogits, dexp
