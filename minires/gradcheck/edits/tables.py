"""The tables of the edit model: functions that are taken for each other, wrappings, families."""

from __future__ import annotations

SIGN, TERM, SCALE, FACTOR = "sign", "missing term", "wrong scale", "wrong factor"
MASK, OFFSET, EPS = "wrong mask/branch", "off by one", "eps placement"
AXIS, TRANSPOSED, FLIP, SUM = "wrong axis", "transposed", "not flipped", "missing broadcast sum"
ORDER, INPLACE, DTYPE = "order of reshape", "in-place modification", "dtype or integer division"
FINITE, VARIABLE, PADDING = "not finite", "wrong variable", "wrong stride/padding"
ADDED, STALE = "not accumulated", "stale or overwritten buffer"
UPSTREAM, DETACHED = "missing upstream dy", "detached path"
WRAPS = [  # least and most dimensions, cost, template, family
    (1, 9, 1.2, "A.copy()", INPLACE),
    (1, 9, 1.4, "A[::-1]", FLIP),
    (2, 2, 1.0, "A.T", TRANSPOSED),
    (2, 9, 1.4, "A[:, ::-1]", FLIP),
    (3, 9, 1.3, "A[..., ::-1]", FLIP),
    (2, 2, 1.3, "A[::-1, ::-1]", FLIP),
    (3, 9, 1.3, "A[..., ::-1, ::-1]", FLIP),
    (2, 2, 1.6, "np.rot90(A)", FLIP),
    (1, 9, 1.3, "A.sum(axis=0)", SUM),
    (2, 9, 1.3, "A.sum(axis=1)", SUM),
    (1, 9, 1.4, "A.sum()", SUM),
    (3, 9, 1.3, "A.sum(axis=-1)", SUM),
    (3, 9, 1.3, "A.sum(axis=(0, 1))", SUM),
    (4, 9, 1.3, "A.sum(axis=(0, 2, 3))", SUM),
    (4, 9, 1.3, "A.sum(axis=(2, 3))", SUM),
    (3, 9, 1.3, "A.sum(axis=(1, 2))", SUM),
    (3, 9, 1.3, "A.sum(axis=(0, 2))", SUM),
    (2, 9, 1.5, "A.mean(axis=0)", SUM),
    (1, 9, 1.6, "A.mean()", SUM),
    (1, 9, 1.3, "A[..., None]", AXIS),
    (1, 9, 1.3, "A[:, None]", AXIS),
    (1, 9, 1.4, "A[None]", AXIS),
    (2, 9, 1.4, "A[:, :, None, None]", AXIS),
    (1, 9, 1.5, "A[None, :, None, None]", AXIS),
]
WITHIN = [  # cost, template, family
    (1.6, "np.sqrt(A)", FACTOR),
    (1.5, "A**2", FACTOR),
    (1.6, "1 / A", FACTOR),
    (1.6, "1 - A", FACTOR),
    (1.7, "A**3", FACTOR),
    (1.8, "np.exp(A)", FACTOR),
    (1.8, "np.log(A)", FACTOR),
    (1.6, "np.sign(A)", FACTOR),
    (1.6, "np.abs(A)", FACTOR),
    (1.6, "A > 0", MASK),
    (1.7, "np.where(A > 0, A, 1)", FINITE),
    (1.7, "np.maximum(A, 1e-12)", FINITE),
    (1.8, "np.where(A == 0, 1, A)", FINITE),
    (1.7, "A - A.max(axis=-1, keepdims=True)", FINITE),
    (1.8, "np.nan_to_num(A)", FINITE),
    (1.9, "np.clip(A, -500, 500)", FINITE),
    (1.8, "np.tanh(A)", FACTOR),
    (1.8, "1 / (1 + np.exp(-A))", FACTOR),
    (1.8, "np.maximum(A, 0)", MASK),
]
SLOPES = [  # local derivatives, of D or from an output D: tanh, sigmoid, ReLU, square, root, …
    "A * (1 - D**2)", "A * D * (1 - D)", "A * (D > 0)", "A * D * 2", "A / (2 * D)", "A * np.cos(D)",
    "A * np.exp(D)", "A * np.sign(D)", "A / (1 + D**2)", "A * (D == 0)", "A / D**2", "A * D**2",
    "A / np.sqrt(D)", "A * np.sqrt(D)", "A * (1 - D)", "A * 3 * D**2",
]  # fmt: skip
SWAPS = [
    ("sum", "mean", SCALE), ("max", "min", MASK), ("argmax", "argmin", MASK),
    ("sin", "cos", FACTOR), ("maximum", "minimum", MASK), ("log", "exp", FACTOR),
    ("correlate", "convolve", FLIP), ("tril", "triu", MASK), ("floor", "ceil", OFFSET),
    ("repeat", "tile", ORDER), ("var", "std", FACTOR), ("cumsum", "cumprod", FACTOR),
    ("zeros_like", "ones_like", SCALE), ("sinh", "cosh", FACTOR), ("tanh", "cosh", FACTOR),
    ("arcsin", "arccos", FACTOR), ("tanh", "sinh", FACTOR), ("round", "floor", OFFSET),
    ("zeros", "ones", SCALE), ("dot", "outer", TRANSPOSED), ("hstack", "vstack", AXIS),
    ("concatenate", "stack", AXIS), ("flip", "roll", FLIP), ("exp", "expm1", FACTOR),
    ("log", "log1p", FACTOR), ("fliplr", "flipud", FLIP), ("sqrt", "square", FACTOR),
    ("abs", "sign", FACTOR), ("logical_and", "logical_or", MASK), ("cos", "tan", FACTOR),
    ("greater", "less", MASK), ("norm", "sum", FACTOR), ("inv", "pinv", TRANSPOSED),
    ("floor", "round", OFFSET), ("ceil", "round", OFFSET), ("empty_like", "zeros_like", STALE),
    ("empty", "zeros", STALE), ("argsort", "sort", VARIABLE),
]  # fmt: skip
REDUCTIONS = (
    "sum", "mean", "max", "min", "argmax", "argmin", "prod", "std", "var", "any", "all", "norm",
)  # fmt: skip
AXED = (
    *REDUCTIONS, "cumsum", "cumprod", "flip", "concatenate", "stack", "split", "repeat",
    "take_along_axis", "put_along_axis", "roll", "diff", "expand_dims", "squeeze", "softmax",
    "sort", "argsort", "take", "array_split", "swapaxes", "moveaxis",
)  # fmt: skip
MAKERS = ("zeros_like", "zeros", "empty", "full", "array", "full_like", "ones", "ones_like",
          "empty_like", "eye")  # fmt: skip
MODULES = ("np", "numpy", "math", "scipy", "linalg", "special", "signal")
UNCALLED = {  # the family if a call is left out
    "copy": INPLACE, "transpose": TRANSPOSED, "swapaxes": TRANSPOSED, "int": DTYPE, "flip": FLIP,
    "astype": DTYPE, "round": DTYPE, "reshape": ORDER, "sum": SUM,
}  # fmt: skip
EXCHANGED = {  # the family if two arguments are exchanged
    "where": MASK, "reshape": ORDER, "transpose": TRANSPOSED, "correlate": FLIP, "dot": TRANSPOSED,
    "outer": TRANSPOSED,
}  # fmt: skip
KEYWORDS = {
    "out": INPLACE,
    "dtype": DTYPE,
    "axis": AXIS,
    "keepdims": AXIS,
    "order": ORDER,
    "ddof": SCALE,
}
