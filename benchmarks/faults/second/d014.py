import numpy as np

LABELS = {
    'id': 'd014',
    'op': 'clipped surrogate objective (PPO)',
    'family': 'wrong mask/branch',
    'wrong_lines': [7],
    'fix': {7: 'active = surr1 <= surr2'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


CLIP = 0.2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 12
    old = -rng.uniform(0.5, 2, n)
    adv = rng.standard_normal(n)
    adv[:2] = -1.1, 0.7
    new = old + 0.5 * rng.standard_normal(n)
    new[:2] = old[:2] + np.array([0.6, -0.5])
    return new, old, adv


def forward(logp, logp_old, adv):
    ratio = np.exp(logp - logp_old)
    return -np.mean(np.minimum(ratio * adv, np.clip(ratio, 1 - CLIP, 1 + CLIP) * adv))


def right_backward(dloss, logp, logp_old, adv):
    n = len(adv)
    ratio = np.exp(logp - logp_old)
    clipped = np.clip(ratio, 1 - CLIP, 1 + CLIP)
    surr1, surr2 = ratio * adv, clipped * adv
    dadv = -dloss / n * np.where(surr1 <= surr2, ratio, clipped)
    active = surr1 <= surr2
    dratio = -dloss / n * adv * active
    dlogp = dratio * ratio
    return dlogp, -dlogp, dadv


def wrong_backward(dloss, logp, logp_old, adv):
    n = len(adv)
    ratio = np.exp(logp - logp_old)
    clipped = np.clip(ratio, 1 - CLIP, 1 + CLIP)
    surr1, surr2 = ratio * adv, clipped * adv
    dadv = -dloss / n * np.where(surr1 <= surr2, ratio, clipped)
    active = (ratio > 1 - CLIP) & (ratio < 1 + CLIP)
    dratio = -dloss / n * adv * active
    dlogp = dratio * ratio
    return dlogp, -dlogp, dadv
