import numpy as np

LABELS = {
    'id': 'e028',
    'op': 'structural similarity of two images, one global window',
    'family': 'wrong factor',
    'wrong_lines': [14],
    'fix': {14: 'dcxy = 2 * dA2'},
    'note': '',
    'source': 'SSIM written out from Wang et al.',
}


C1, C2 = 0.02, 0.06


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((3, 3 + seed % 2))
    return x, 0.6 * x + 0.4 * rng.random(x.shape)


def forward(x, y):
    mx, my = x.mean(), y.mean()
    vx, vy = ((x - mx) ** 2).mean(), ((y - my) ** 2).mean()
    cxy = ((x - mx) * (y - my)).mean()
    return (2 * mx * my + C1) * (2 * cxy + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2))


def right_backward(ds, x, y):
    n = x.size
    mx, my = x.mean(), y.mean()
    xc, yc = x - mx, y - my
    vx, vy, cxy = (xc**2).mean(), (yc**2).mean(), (xc * yc).mean()
    A1, A2 = 2 * mx * my + C1, 2 * cxy + C2
    B1, B2 = mx**2 + my**2 + C1, vx + vy + C2
    S = A1 * A2 / (B1 * B2)

    dA1, dA2 = ds * S / A1, ds * S / A2
    dB1, dB2 = -ds * S / B1, -ds * S / B2
    dmx = 2 * my * dA1 + 2 * mx * dB1
    dmy = 2 * mx * dA1 + 2 * my * dB1
    dcxy = 2 * dA2
    dx = (dmx + dcxy * yc + 2 * dB2 * xc) / n
    dy = (dmy + dcxy * xc + 2 * dB2 * yc) / n
    return dx, dy


def wrong_backward(ds, x, y):
    n = x.size
    mx, my = x.mean(), y.mean()
    xc, yc = x - mx, y - my
    vx, vy, cxy = (xc**2).mean(), (yc**2).mean(), (xc * yc).mean()
    A1, A2 = 2 * mx * my + C1, 2 * cxy + C2
    B1, B2 = mx**2 + my**2 + C1, vx + vy + C2
    S = A1 * A2 / (B1 * B2)

    dA1, dA2 = ds * S / A1, ds * S / A2
    dB1, dB2 = -ds * S / B1, -ds * S / B2
    dmx = 2 * my * dA1 + 2 * mx * dB1
    dmy = 2 * mx * dA1 + 2 * my * dB1
    dcxy = dA2
    dx = (dmx + dcxy * yc + 2 * dB2 * xc) / n
    dy = (dmy + dcxy * xc + 2 * dB2 * yc) / n
    return dx, dy
