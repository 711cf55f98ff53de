import numpy as np

LABELS = {
    'id': 'e026',
    'op': 'quantile regression TD loss with Huber penalty',
    'family': 'wrong axis',
    'wrong_lines': [8],
    'fix': {8: 'dtheta = -du.sum(axis=2)'},
    'note': '',
    'source': 'QR-DQN: pairs of current and target quantiles',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 1.5 * rng.standard_normal((2, 4)), 1.5 * rng.standard_normal((2, 4))


def forward(theta, target):
    n = theta.shape[1]
    tau = (np.arange(n) + 0.5) / n
    u = target[:, None, :] - theta[:, :, None]
    hub = np.where(np.abs(u) <= 1, 0.5 * u * u, np.abs(u) - 0.5)
    w = np.abs(tau[None, :, None] - (u < 0))
    return (w * hub).mean(axis=2).sum(axis=1)


def right_backward(g, theta, target):
    n = theta.shape[1]
    tau = (np.arange(n) + 0.5) / n
    u = target[:, None, :] - theta[:, :, None]      # (batch, current, target)
    weight = np.abs(tau[None, :, None] - (u < 0))
    du = weight * np.clip(u, -1, 1) / target.shape[1]
    du = du * g[:, None, None]
    dtheta = -du.sum(axis=2)
    dtarget = du.sum(axis=1)
    return dtheta, dtarget


def wrong_backward(g, theta, target):
    n = theta.shape[1]
    tau = (np.arange(n) + 0.5) / n
    u = target[:, None, :] - theta[:, :, None]      # (batch, current, target)
    weight = np.abs(tau[None, :, None] - (u < 0))
    du = weight * np.clip(u, -1, 1) / target.shape[1]
    du = du * g[:, None, None]
    dtheta = -du.sum(axis=1)
    dtarget = du.sum(axis=1)
    return dtheta, dtarget
