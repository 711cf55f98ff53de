"""A stand-in for CuPy's arrays, "on a device", so that code for GPUs runs without one.

`DeviceArray` keeps its values where NumPy cannot see them, and refuses what CuPy 14 refuses: to
become a NumPy array by itself, to be mixed with one, `initial=` in a maximum, order "K" in ravel.
The functions for it, with streams and graphs, are in device_module.py.

Everything goes through `compute` (new arrays) and `act` (in place), which count or note down: while
a stream captures, nothing is computed, results are filled with rubbish, and waiting for the device
is an error. Replaying a graph then does what was noted, in the same memory.
"""

import functools
import operator

import numpy as np

IMPLICIT = "Implicit conversion to a NumPy array is not allowed. Please use `.get()`"
REFUSED = "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"


class State:
    """What the device is asked to do: `noted` actions while capturing, `waits` for it before."""

    def __init__(self):
        self.noted, self.broken, self.waits, self.launches = None, False, 0, 0


state = State()


def wait():
    """Count a transfer or a wait; a capture does not survive one."""
    if state.noted is not None:
        state.broken = True
        raise RuntimeError(REFUSED)
    state.waits += 1


def unwrap(x):
    if isinstance(x, DeviceArray):
        return x._values
    if isinstance(x, np.ndarray) and x.ndim:
        raise TypeError(f"Unsupported type {type(x)}")
    if type(x) in (tuple, list):
        return type(x)(unwrap(i) for i in x)
    return x


def wrap(y):
    if isinstance(y, tuple | list):
        return type(y)(wrap(i) for i in y)
    return DeviceArray(y) if isinstance(y, np.ndarray | np.generic) else y


def compute(function, *args, **options):
    """Return function(*args) as arrays on the device; views stay views."""
    args, options = unwrap(args), {k: unwrap(v) for k, v in options.items()}
    with np.errstate(all="ignore"):
        result = function(*args, **options)
    if state.noted is not None and not isinstance(result, tuple | list):
        given = [a for a in args if isinstance(a, np.ndarray)]
        if not any(np.shares_memory(result, a) for a in given):
            result = np.array(result)
            act(lambda: np.copyto(result, function(*args, **options)))
            result.fill(np.nan if result.dtype.kind == "f" else 0)
    return wrap(result)


def act(action):
    """Do what changes arrays in place, or note it."""
    if state.noted is not None:
        state.noted.append(action)
        return
    state.launches += 1
    with np.errstate(all="ignore"):
        action()


class Flags:
    def __init__(self, flags):
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata = flags.owndata


class Pointer:
    def __init__(self, ptr):
        self.ptr = ptr


class DeviceArray:
    """An array on the device."""

    _module = None  # the functions for it: `device_module.xp`
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, values):
        self._values = np.asarray(values)

    # ---- what NumPy asks ------------------------------------------------------------------------
    def __array__(self, *_args, **_options):
        raise TypeError(IMPLICIT)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or "out" in options:
            return NotImplemented
        return compute(ufunc, *inputs, **options)

    def __array_function__(self, function, types, args, options):
        if not all(issubclass(t, DeviceArray | np.ndarray) for t in types):
            return NotImplemented
        return getattr(self._module, function.__name__)(*args, **options)

    # ---- what it is -----------------------------------------------------------------------------
    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    itemsize = property(lambda self: self._values.itemsize)
    nbytes = property(lambda self: self._values.nbytes)
    strides = property(lambda self: self._values.strides)
    flags = property(lambda self: Flags(self._values.flags))
    data = property(lambda self: Pointer(self._values.ctypes.data))
    base = property(lambda self: self._values.base)
    T = property(lambda self: DeviceArray(self._values.T))

    def __len__(self):
        return len(self._values)

    def __repr__(self):
        return repr(self.get())

    # ---- what waits for the device --------------------------------------------------------------
    def get(self, order="C"):
        wait()
        return np.array(self._values, order=order)

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def __float__(self):
        return float(self.get())

    def __int__(self):
        return int(self.get())

    def __index__(self):
        return operator.index(self.item())

    def __bool__(self):
        return bool(self.get())

    def set(self, values):
        wait()
        if not isinstance(values, np.ndarray) or values.shape != self.shape:
            raise ValueError("Shape mismatch")
        self._values[...] = values

    # ---- what makes arrays ----------------------------------------------------------------------
    def copy(self, order="C"):
        return compute(lambda a: np.array(a, order=order), self)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, _memo):
        return self.copy(order="K")

    def astype(self, dtype, order="K", copy=True):
        if not copy and self.dtype == dtype:
            return self
        return compute(lambda a: a.astype(dtype, order=order), self)

    def ravel(self, order="C"):
        if order not in "CFA":
            raise NotImplementedError("order must be C, F or A")
        return compute(np.ndarray.ravel, self, order)

    def reshape(self, *shape):
        return compute(np.ndarray.reshape, self, *shape)

    def transpose(self, *axes):
        return DeviceArray(self._values.transpose(*axes))

    def swapaxes(self, a, b):
        return DeviceArray(self._values.swapaxes(a, b))

    def squeeze(self, axis=None):
        return DeviceArray(self._values.squeeze(axis))

    def view(self):
        return DeviceArray(self._values.view())

    def argsort(self):
        return compute(np.argsort, self, kind="stable")

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(i, DeviceArray) and i.dtype == np.bool_ for i in parts):
            wait()  # the size of the result is not known before
        index = self._wrapped(tuple(unwrap(i) for i in parts))
        return compute(lambda a: np.asarray(a[index]), self)

    def _wrapped(self, index):
        """Wrap listed integers around, as CuPy does with those that are out of range."""
        if any(i is None or i is Ellipsis or getattr(i, "dtype", None) == np.bool_ for i in index):
            return index
        sizes = zip(index, self.shape, strict=False)
        return tuple(i % n if isinstance(i, np.ndarray) else i for i, n in sizes)

    # ---- what changes this one ------------------------------------------------------------------
    def __setitem__(self, index, value):
        index, value, values = unwrap(index), unwrap(value), self._values
        act(lambda: values.__setitem__(index, value))

    def fill(self, value):
        values, value = self._values, unwrap(value)
        act(lambda: values.fill(value))


def _method(name, *keywords):
    """A reduction with the arguments that CuPy's has."""

    def method(self, axis=None, **options):
        if axis == () or set(options) - set(keywords):
            raise TypeError(f"{name}(): CuPy has no axis=() and no {set(options) - set(keywords)}")
        return compute(getattr(np.ndarray, name), self, axis=axis, **options)

    return method


for _name in ("sum", "mean", "prod", "var"):
    setattr(DeviceArray, _name, _method(_name, "dtype", "keepdims"))
for _name in ("max", "min", "argmax", "argmin", "all", "any"):
    setattr(DeviceArray, _name, _method(_name, "keepdims"))


def _operator(function, swapped=False):
    def method(self, other):
        if getattr(other, "__array_ufunc__", self) is None:
            return NotImplemented  # a Tensor: it takes over
        a, b = (other, self) if swapped else (self, other)
        return compute(function, a, b)

    return method


def _unary(self, function):
    return compute(function, self)


def _in_place(function):
    def method(self, other):
        a, b = self._values, unwrap(other)
        act(lambda: function(a, b))
        return self

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or"):
    _function = getattr(operator, _name + "_" * (_name in ("and", "or")))
    setattr(DeviceArray, f"__{_name}__", _operator(_function))
    setattr(DeviceArray, f"__r{_name}__", _operator(_function, swapped=True))
    setattr(DeviceArray, f"__i{_name}__", _in_place(getattr(operator, "i" + _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(DeviceArray, f"__{_name}__", _operator(getattr(operator, _name)))
for _name in ("neg", "invert", "abs", "pos"):
    setattr(DeviceArray, f"__{_name}__", functools.partialmethod(_unary, getattr(operator, _name)))


class Add:
    """CuPy's ufunc `add`, as far as it is used."""

    def __call__(self, a, b):
        return compute(np.add, a, b)

    def reduceat(self, a, indices):
        return compute(lambda x, i: np.add.reduceat(x, i), a, indices)
