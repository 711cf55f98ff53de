import numpy as np

LABELS = {
    'id': 'e040',
    'op': 'preference loss with length-normalised log-probabilities (SimPO)',
    'family': 'missing upstream dy',
    'wrong_lines': [7],
    'fix': {7: 'dz = -dloss / (1 + np.exp(z))'},
    'note': '',
    'source': 'DPO-like losses ported from a training script',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n, t = 3, 4
    lengths = rng.integers(2, t + 1, (2, n))
    mask = (np.arange(t) < lengths[:, :, None]).astype(int)
    return -rng.random((n, t)) * 2, -rng.random((n, t)) * 2, mask


def forward(logp_chosen, logp_rejected, mask, beta=2.0, margin=0.3):
    a = (logp_chosen * mask[0]).sum(1) / mask[0].sum(1)
    b = (logp_rejected * mask[1]).sum(1) / mask[1].sum(1)
    return np.log1p(np.exp(-(beta * (a - b) - margin)))


def right_backward(dloss, logp_chosen, logp_rejected, mask, beta=2.0, margin=0.3):
    len_c, len_r = mask[0].sum(1), mask[1].sum(1)
    reward_c = beta * (logp_chosen * mask[0]).sum(1) / len_c
    reward_r = beta * (logp_rejected * mask[1]).sum(1) / len_r
    z = reward_c - reward_r - margin
    # d/dz of -log sigmoid(z)
    dz = -dloss / (1 + np.exp(z))
    dchosen = beta * (dz / len_c)[:, None] * mask[0]
    drejected = -beta * (dz / len_r)[:, None] * mask[1]
    return dchosen, drejected, None


def wrong_backward(dloss, logp_chosen, logp_rejected, mask, beta=2.0, margin=0.3):
    len_c, len_r = mask[0].sum(1), mask[1].sum(1)
    reward_c = beta * (logp_chosen * mask[0]).sum(1) / len_c
    reward_r = beta * (logp_rejected * mask[1]).sum(1) / len_r
    z = reward_c - reward_r - margin
    # d/dz of -log sigmoid(z)
    dz = -1 / (1 + np.exp(z))
    dchosen = beta * (dz / len_c)[:, None] * mask[0]
    drejected = -beta * (dz / len_r)[:, None] * mask[1]
    return dchosen, drejected, None
