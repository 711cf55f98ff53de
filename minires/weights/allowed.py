"""The names that a file of PyTorch may use, and what stands for each of them here.

Functions that rebuild tensors have one of ours. Classes and types may be named, not called. Of
other objects that checkpoints hold beside weights, only the place is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .numbers import SIZES, text
from .stored import STORAGES, Stored, tensor
from .unpickle import Name, Opaque, Table, fill

ALIASES = {"double": "float64", "float": "float32", "half": "float16", "long": "int64"}


def _v2(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Stored:
    """`_rebuild_tensor`, and `_v2`: then requires_grad, hooks and flags follow."""
    _check_flags(rest[2:])
    return tensor(storage, offset, shape, strides)


def _v3(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    grad: Any,
    hooks: Any,
    kind: Any,
    *rest: Any,
) -> Stored:
    """`_rebuild_tensor_v3`: of a storage of bytes, with the dtype after the hooks."""
    _check_flags(rest)
    if type(kind) is not Name or not (of := _kind(kind.name)):
        what = kind.name if type(kind) is Name else text(kind)
        raise ValueError(f"tensors of {what} are not read; in PyTorch, before saving: .float()")
    return tensor(storage, offset, shape, strides, of)


def _check_flags(flags: tuple[Any, ...]) -> None:
    for flag in flags:
        if flag and (type(flag) is not dict or len(flag) > 8 or any(flag.values())):
            raise ValueError("a tensor is conjugated or negated lazily; in PyTorch: .resolve_neg()")


def _kind(name: str) -> str:
    short = name.removeprefix("torch.")
    short = ALIASES.get(short, short)
    return short if short in SIZES else ""


def _parameter(data: Any, *_: Any) -> Stored:
    """`_rebuild_parameter` and the like: the tensor within, without its hooks and attributes."""
    if type(data) is not Stored:
        raise ValueError(f"a parameter is {text(data)}, not a tensor")
    return data


def _subclass(function: Any, kind: Any, arguments: Any, state: Any) -> Stored:
    """`_rebuild_from_type_v2`: a tensor with attributes, or of a class of its own."""
    if type(function) is not Name or function.make not in (_v2, _v3, _parameter):
        raise ValueError("a tensor of a class of its own; in PyTorch: .data before saving")
    if type(kind) is not Name or type(arguments) is not tuple:
        raise ValueError("a tensor with attributes is damaged")
    made: Stored = function.make(*arguments)
    return made


def _ordered(*arguments: Any) -> dict[Any, Any]:
    """`OrderedDict()`, or, from Python 2, of a list of pairs, which is emptied.

    So no list can be made into one dict after another, each as long as the file.
    """
    pairs: Any = arguments[0] if arguments else []
    if len(arguments) > 1 or type(pairs) is not list:
        raise ValueError("an OrderedDict is made of something else than pairs")
    if any(type(p) not in (list, tuple) or len(p) != 2 for p in pairs):
        raise ValueError("an OrderedDict is made of something else than pairs")
    found = fill({}, [p[0] for p in pairs], [p[1] for p in pairs])
    pairs.clear()
    return found


def _refused(what: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        raise ValueError(f"{what} are not read; in PyTorch, before saving: {_CURES[what]}")

    return refuse


_CURES = {
    "quantised tensors": ".dequantize()",
    "sparse tensors": ".to_dense()",
    "nested tensors": ".to_padded_tensor(0)",
    "tensors without values (meta)": "load the weights into the net",
    "tensors of other devices": ".cpu()",
}
_BESIDE = (  # harmless, and found beside weights in checkpoints
    "argparse.Namespace", "builtins.set", "builtins.frozenset", "builtins.complex",
    "builtins.slice", "builtins.bytearray", "_codecs.encode", "__builtin__.set",
    "__builtin__.complex", "collections.defaultdict", "collections.Counter", "collections.deque",
    "datetime.datetime",
    "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct", "numpy._core.numeric._frombuffer", "pathlib.PosixPath",
    "pathlib.WindowsPath", "pathlib.Path", "torch.device", "torch.Size",
)  # fmt: skip


def _opaque(name: str) -> Callable[..., Any]:
    return lambda *_: Opaque(name)


def table() -> Table:
    """Return what stands for each name that a file of weights may use."""
    found: dict[str, Callable[..., Any] | None] = {name: _opaque(name) for name in _BESIDE}
    found |= {f"torch.{name}Storage": None for name in STORAGES}
    found |= {f"torch.{name}": None for name in (*SIZES, *ALIASES)}
    found |= dict.fromkeys(
        [
            "torch.storage.UntypedStorage", "torch.storage._UntypedStorage", "torch.UntypedStorage",
            "builtins.int", "builtins.float", "builtins.list", "builtins.dict", "builtins.str",
            "__builtin__.list", "__builtin__.dict", "__builtin__.int", "torch.Tensor",
            "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
            "torch.ComplexFloatStorage", "torch.ComplexDoubleStorage", "torch.complex64",
            "torch.complex128", "torch.complex32", "torch.float8_e4m3fn", "torch.float8_e5m2",
            "torch.float8_e4m3fnuz", "torch.float8_e5m2fnuz", "torch.QInt8Storage",
            "torch.QUInt8Storage", "torch.QInt32Storage", "torch.sparse_coo",
            "torch.per_tensor_affine", "torch.per_channel_affine", "torch.strided",
        ]
    )  # fmt: skip
    utils = "torch._utils._rebuild_"
    found |= {
        "collections.OrderedDict": _ordered,
        f"{utils}tensor": _v2,
        f"{utils}tensor_v2": _v2,
        f"{utils}tensor_v3": _v3,
        f"{utils}parameter": _parameter,
        f"{utils}parameter_with_state": _parameter,
        "torch._tensor._rebuild_from_type_v2": _subclass,
        f"{utils}qtensor": _refused("quantised tensors"),
        f"{utils}sparse_tensor": _refused("sparse tensors"),
        f"{utils}nested_tensor": _refused("nested tensors"),
        f"{utils}meta_tensor_no_storage": _refused("tensors without values (meta)"),
        f"{utils}device_tensor_from_numpy": _refused("tensors of other devices"),
        f"{utils}device_tensor_from_cpu_tensor": _refused("tensors of other devices"),
        f"{utils}xla_tensor": _refused("tensors of other devices"),
        "torch.serialization._get_layout": _opaque("layout"),
    }
    return found
