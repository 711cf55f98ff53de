import numpy as np

LABELS = {
    'id': 'd002',
    'op': 'generalised advantage estimate',
    'family': 'off by one',
    'wrong_lines': [10],
    'fix': {10: 'dvalues[t + 1] += GAMMA * carry'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


GAMMA, LAM = 0.9, 0.8


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = int(rng.integers(5, 9))
    return rng.standard_normal(t), rng.standard_normal(t + 1)


def forward(rewards, values):
    adv, last = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + GAMMA * values[t + 1] - values[t]
        last = adv[t] = delta + GAMMA * LAM * last
    return adv


def right_backward(dadv, rewards, values):
    T = len(rewards)
    drewards = np.zeros(T)
    dvalues = np.zeros(T + 1)
    carry = 0.0
    for t in range(T):
        carry = dadv[t] + GAMMA * LAM * carry
        drewards[t] = carry
        dvalues[t] -= carry
        dvalues[t + 1] += GAMMA * carry
    return drewards, dvalues


def wrong_backward(dadv, rewards, values):
    T = len(rewards)
    drewards = np.zeros(T)
    dvalues = np.zeros(T + 1)
    carry = 0.0
    for t in range(T):
        carry = dadv[t] + GAMMA * LAM * carry
        drewards[t] = carry
        dvalues[t] -= carry
        dvalues[t] += GAMMA * carry
    return drewards, dvalues
