import numpy as np

LABELS = {
    'id': 'e037',
    'op': 'class token and position embedding in front of a projection',
    'family': 'missing broadcast sum',
    'wrong_lines': [10],
    'fix': {10: 'dcls = dseq[:, :1].sum(axis=0, keepdims=True)'},
    'note': '',
    'source': 'ViT embedding layer (class token expanded over the batch)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((2 + seed % 2, 3, 4)), rng.standard_normal((1, 1, 4)),
        rng.standard_normal((1, 4, 4)), rng.standard_normal((4, 2)),
    )


def forward(patches, cls, pos, W):
    tok = np.broadcast_to(cls, (len(patches), 1, cls.shape[2]))
    return np.tanh((np.concatenate([tok, patches], axis=1) + pos) @ W)


def right_backward(dout, patches, cls, pos, W):
    B, N, D = patches.shape
    tok = np.broadcast_to(cls, (B, 1, D))
    seq = np.concatenate([tok, patches], axis=1) + pos
    out = np.tanh(seq @ W)
    dpre = dout * (1 - out**2)
    dW = np.tensordot(seq, dpre, axes=([0, 1], [0, 1]))
    dseq = dpre @ W.T
    dpos = dseq.sum(axis=0, keepdims=True)
    dcls = dseq[:, :1].sum(axis=0, keepdims=True)
    dpatches = dseq[:, 1:]
    return dpatches, dcls, dpos, dW


def wrong_backward(dout, patches, cls, pos, W):
    B, N, D = patches.shape
    tok = np.broadcast_to(cls, (B, 1, D))
    seq = np.concatenate([tok, patches], axis=1) + pos
    out = np.tanh(seq @ W)
    dpre = dout * (1 - out**2)
    dW = np.tensordot(seq, dpre, axes=([0, 1], [0, 1]))
    dseq = dpre @ W.T
    dpos = dseq.sum(axis=0, keepdims=True)
    dcls = dseq[:, :1]
    dpatches = dseq[:, 1:]
    return dpatches, dcls, dpos, dW
