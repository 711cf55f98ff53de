import numpy as np

LABELS = {
    'id': 'd012',
    'op': 'distillation loss, softened by T = 3',
    'family': 'wrong scale',
    'wrong_lines': [5],
    'fix': {5: 'd_student = grad * T * (q - p) / n'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


T = 3.0


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    shape = (4, int(rng.integers(3, 6)))
    return rng.standard_normal(shape) * 3, rng.standard_normal(shape) * 3


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def forward(student, teacher):
    lq, lp = log_softmax(student / T), log_softmax(teacher / T)
    return T * T * np.sum(np.exp(lp) * (lp - lq)) / len(student)


def right_backward(grad, student, teacher):
    n = student.shape[0]
    lq, lp = log_softmax(student / T), log_softmax(teacher / T)
    q, p = np.exp(lq), np.exp(lp)
    d_student = grad * T * (q - p) / n
    ratio = lp - lq
    kl = np.sum(p * ratio, axis=1, keepdims=True)
    d_teacher = grad * T * p * (ratio - kl) / n
    return d_student, d_teacher


def wrong_backward(grad, student, teacher):
    n = student.shape[0]
    lq, lp = log_softmax(student / T), log_softmax(teacher / T)
    q, p = np.exp(lq), np.exp(lp)
    d_student = grad * (q - p) / n
    ratio = lp - lq
    kl = np.sum(p * ratio, axis=1, keepdims=True)
    d_teacher = grad * T * p * (ratio - kl) / n
    return d_student, d_teacher
