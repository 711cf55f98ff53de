"""The reference backend: every kernel in obvious NumPy, beside its specification."""

from . import relu

_MODULES = (relu,)
SPECS = {m.SPEC.name: m.SPEC for m in _MODULES}
KERNELS = {m.SPEC.name: m.VERSIONS for m in _MODULES}
