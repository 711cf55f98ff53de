import numpy as np

LABELS = {
    'id': 'e021',
    'op': 'alpha-beta tracker (position and velocity) over a sequence',
    'family': 'sign',
    'wrong_lines': [18],
    'fix': {18: 'dxp = dx - dr'},
    'note': '',
    'source': 'constant-gain filter in a tracking loop',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(5 + seed % 2), np.array([0.6, 0.3]) + 0.1 * rng.random(2)


def forward(z, gains, dt=0.5):
    a, b = gains
    x, v = 0.0, 0.2
    est = []
    for zk in z:
        xp = x + dt * v
        r = zk - xp
        x, v = xp + a * r, v + b / dt * r
        est.append(x)
    return np.array(est)


def right_backward(dest, z, gains, dt=0.5):
    a, b = gains
    res = []
    x, v = 0.0, 0.2
    for zk in z:
        xp = x + dt * v
        res.append(zk - xp)
        x, v = xp + a * res[-1], v + b / dt * res[-1]
    dz = np.zeros_like(z)
    da = db = 0.0
    dx = dv = 0.0
    for k in range(len(z) - 1, -1, -1):
        dx = dx + dest[k]
        da += dx * res[k]
        db += dv * res[k] / dt
        dr = a * dx + b / dt * dv
        dz[k] = dr
        dxp = dx - dr
        dv = dv + dt * dxp
        dx = dxp
    return dz, np.array([da, db])


def wrong_backward(dest, z, gains, dt=0.5):
    a, b = gains
    res = []
    x, v = 0.0, 0.2
    for zk in z:
        xp = x + dt * v
        res.append(zk - xp)
        x, v = xp + a * res[-1], v + b / dt * res[-1]
    dz = np.zeros_like(z)
    da = db = 0.0
    dx = dv = 0.0
    for k in range(len(z) - 1, -1, -1):
        dx = dx + dest[k]
        da += dx * res[k]
        db += dv * res[k] / dt
        dr = a * dx + b / dt * dv
        dz[k] = dr
        dxp = dx + dr
        dv = dv + dt * dxp
        dx = dxp
    return dz, np.array([da, db])
