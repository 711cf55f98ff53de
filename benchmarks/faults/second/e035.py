import numpy as np

LABELS = {
    'id': 'e035',
    'op': 'generalised advantage estimation, gradients of rewards and values',
    'family': 'off by one',
    'wrong_lines': [10],
    'fix': {10: 'dvalue[t + 1] += gamma * live * ddelta'},
    'note': '',
    'source': 'GAE made differentiable for meta-gradients',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = 5 + seed % 3
    done = np.zeros(T, dtype=int)
    done[2] = 1
    return rng.standard_normal(T), rng.standard_normal(T + 1), done


def forward(reward, value, done, gamma=0.9, lam=0.8):
    adv = np.zeros_like(reward)
    last = 0.0
    for t in reversed(range(len(reward))):
        live = 1 - done[t]
        delta = reward[t] + gamma * value[t + 1] * live - value[t]
        last = delta + gamma * lam * live * last
        adv[t] = last
    return adv


def right_backward(dadv, reward, value, done, gamma=0.9, lam=0.8):
    T = len(reward)
    dreward, dvalue = np.zeros(T), np.zeros(T + 1)
    carry = 0.0
    for t in range(T):
        live = 1 - done[t]
        ddelta = dadv[t] + carry
        dreward[t] = ddelta
        dvalue[t] -= ddelta
        dvalue[t + 1] += gamma * live * ddelta
        carry = gamma * lam * live * ddelta
    return dreward, dvalue, None


def wrong_backward(dadv, reward, value, done, gamma=0.9, lam=0.8):
    T = len(reward)
    dreward, dvalue = np.zeros(T), np.zeros(T + 1)
    carry = 0.0
    for t in range(T):
        live = 1 - done[t]
        ddelta = dadv[t] + carry
        dreward[t] = ddelta
        dvalue[t] -= ddelta
        dvalue[t] += gamma * live * ddelta
        carry = gamma * lam * live * ddelta
    return dreward, dvalue, None
