import numpy as np

LABELS = {
    'id': 'd004',
    'op': 'volume rendering along rays (density, colour, step)',
    'family': 'off by one',
    'wrong_lines': [12],
    'fix': {12: 'dtau += np.cumsum(dacc[:, ::-1], axis=1)[:, ::-1] - dacc'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    s = int(rng.integers(4, 7))
    return rng.uniform(0.2, 2, (2, s)), rng.uniform(0, 1, (2, s, 3)), rng.uniform(0.2, 0.5, (2, s))


def forward(sigma, rgb, delta):
    tau = sigma * delta
    trans = np.exp(-(np.cumsum(tau, axis=1) - tau))
    weights = trans * (1 - np.exp(-tau))
    return (weights[..., None] * rgb).sum(axis=1)


def right_backward(dcolor, sigma, rgb, delta):
    tau = sigma * delta
    trans = np.exp(-(np.cumsum(tau, axis=1) - tau))  # light that reaches the sample
    alpha = 1 - np.exp(-tau)
    weights = trans * alpha

    drgb = weights[..., None] * dcolor[:, None, :]
    dweights = (rgb * dcolor[:, None, :]).sum(axis=-1)
    dalpha = dweights * trans
    dacc = -dweights * weights
    dtau = dalpha * (1 - alpha)
    dtau += np.cumsum(dacc[:, ::-1], axis=1)[:, ::-1] - dacc
    return dtau * delta, drgb, dtau * sigma


def wrong_backward(dcolor, sigma, rgb, delta):
    tau = sigma * delta
    trans = np.exp(-(np.cumsum(tau, axis=1) - tau))  # light that reaches the sample
    alpha = 1 - np.exp(-tau)
    weights = trans * alpha

    drgb = weights[..., None] * dcolor[:, None, :]
    dweights = (rgb * dcolor[:, None, :]).sum(axis=-1)
    dalpha = dweights * trans
    dacc = -dweights * weights
    dtau = dalpha * (1 - alpha)
    dtau += np.cumsum(dacc[:, ::-1], axis=1)[:, ::-1]
    return dtau * delta, drgb, dtau * sigma
