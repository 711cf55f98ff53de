import numpy as np

LABELS = {
    'id': 'e023',
    'op': 'Gaussian process, negative log marginal likelihood',
    'family': 'wrong factor',
    'wrong_lines': [11],
    'fix': {11: 'dsn = 2 * sn * np.trace(dK)'},
    'note': '',
    'source': 'Rasmussen & Williams eq. 5.9 with the noise given as a deviation',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 4 + seed % 2
    return np.sort(2 * rng.standard_normal(n)), rng.standard_normal(n), np.array([0.8, 1.2, 0.4]) + 0.2 * rng.random(3)


def forward(x, y, theta):
    ell, sf, sn = theta
    K = sf**2 * np.exp(-0.5 * (x[:, None] - x[None, :]) ** 2 / ell**2) + sn**2 * np.eye(len(x))
    L = np.linalg.cholesky(K)
    return 0.5 * y @ np.linalg.solve(K, y) + np.log(np.diag(L)).sum() + 0.5 * len(x) * np.log(2 * np.pi)


def right_backward(dnll, x, y, theta):
    ell, sf, sn = theta
    diff = x[:, None] - x[None, :]
    Kf = sf**2 * np.exp(-0.5 * diff**2 / ell**2)
    Kinv = np.linalg.inv(Kf + sn**2 * np.eye(len(x)))
    alpha = Kinv @ y
    dK = 0.5 * dnll * (Kinv - np.outer(alpha, alpha))

    dell = np.sum(dK * Kf * diff**2) / ell**3
    dsf = np.sum(dK * 2 * Kf / sf)
    dsn = 2 * sn * np.trace(dK)
    dx = -2 * np.sum(dK * Kf * diff, axis=1) / ell**2
    return dx, dnll * alpha, np.array([dell, dsf, dsn])


def wrong_backward(dnll, x, y, theta):
    ell, sf, sn = theta
    diff = x[:, None] - x[None, :]
    Kf = sf**2 * np.exp(-0.5 * diff**2 / ell**2)
    Kinv = np.linalg.inv(Kf + sn**2 * np.eye(len(x)))
    alpha = Kinv @ y
    dK = 0.5 * dnll * (Kinv - np.outer(alpha, alpha))

    dell = np.sum(dK * Kf * diff**2) / ell**3
    dsf = np.sum(dK * 2 * Kf / sf)
    dsn = sn * np.trace(dK)
    dx = -2 * np.sum(dK * Kf * diff, axis=1) / ell**2
    return dx, dnll * alpha, np.array([dell, dsf, dsn])
