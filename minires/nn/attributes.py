"""Attributes of a Module: parameters, buffers and modules are registered when they are assigned."""

from __future__ import annotations

import warnings
from typing import Any

from minires_kernels import arrays

from ..tensor import Array, Tensor


class Parameter(Tensor):
    """A tensor that a Module registers when it is assigned to an attribute; it is trained."""

    __slots__ = ()

    def __init__(self, data: Array | Tensor, requires_grad: bool = True) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad)


def forget_gradient(p: Tensor, set_to_none: bool) -> None:
    """Set the gradient of `p` to None; or, if it has one, to zeros in the same memory."""
    if set_to_none or p.grad is None:
        p.grad = None
    else:
        p.grad[...] = 0


class Attributes:
    """What finds a parameter, a buffer or a module under the attribute that it was assigned to.

    Each has its dict in `__dict__`, in the order of assignment; everything else is an attribute
    like any other.
    """

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]

    def __setattr__(self, name: str, value: Any) -> None:
        if "_modules" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: call super().__init__() first")
        home: dict[str, Any] | None = None
        if hasattr(type(getattr(type(self), name, None)), "__set__"):
            return super().__setattr__(name, value)  # a property decides for itself
        if isinstance(value, Parameter):
            home = self._parameters
        elif isinstance(value, Attributes):
            home = self._modules
            if _reaches(value, self):
                raise ValueError(
                    f"{type(self).__name__}.{name} would contain itself; to refer to a module "
                    f"without owning it, keep it in a tuple: self.{name} = (module,)"
                )
        elif isinstance(value, list | dict) and any(map(_is_module, _values(value))):
            warnings.warn(
                f"{type(self).__name__}.{name}: modules in a {type(value).__name__} are not found, "
                "so parameters() and state_dict() lack theirs; use nn.ModuleList or add_module() "
                "(to refer to modules without owning them, keep them in a tuple)",
                stacklevel=2,
            )
        elif name in self._buffers:
            home, value = self._buffers, _buffer(name, value)
        elif name in self._parameters and value is not None:
            raise TypeError(
                f"{name} is a parameter; assign a Parameter, or None to remove it, or write its "
                "values with update_()"
            )
        if home is not None:
            self._check_name(name)
        for registry in (self._parameters, self._buffers, self._modules):
            if registry is not home:
                registry.pop(name, None)
        if home is None:
            super().__setattr__(name, value)
        else:
            self.__dict__.pop(name, None)
            home[name] = value

    def __getattr__(self, name: str) -> Any:  # only called when the normal look-up fails
        own = self.__dict__
        if "_modules" in own:
            for registry in (own["_parameters"], own["_modules"], own["_buffers"]):
                if name in registry:
                    return registry[name]
        if hasattr(type(self), name):  # a property that raised AttributeError: let it say why
            return object.__getattribute__(self, name)
        hint = "" if "_modules" in own else "; call super().__init__() first"
        raise AttributeError(
            f"{type(self).__name__} has no attribute {name!r}{hint}", name=name, obj=self
        )  # with both, Python asks "Did you mean: 'weight'?"

    def __delattr__(self, name: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:  # what a prompt offers to complete
        own = [
            name
            for kind in ("_parameters", "_buffers", "_modules")
            for name in vars(self).get(kind, ())
        ]
        return [*super().__dir__(), *own]

    def _check_name(self, name: str) -> None:
        """Raise ValueError unless a parameter, buffer or module can be found under `name`."""
        if not isinstance(name, str) or not name or "." in name:
            raise ValueError(f"expected a name without dots, got {name!r}")
        if hasattr(type(self), name):
            raise ValueError(
                f"{name!r} is an attribute of the class {type(self).__name__}, which would hide it;"
                " choose another name"
            )

    def _check_new(self, name: str) -> None:
        self._check_name(name)
        if hasattr(self, name):
            raise ValueError(f"{type(self).__name__} already has an attribute {name!r}")

    def register_buffer(self, name: str, value: Array | None) -> None:
        """Keep an array that is part of the state but not trained, e.g. running statistics."""
        self._check_new(name)
        self._buffers[name] = _buffer(name, value)

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Do what `self.name = parameter` does, for a new name."""
        self._check_new(name)
        if parameter is not None and not isinstance(parameter, Parameter):
            raise TypeError(f"{name}: expected a Parameter, got {type(parameter).__name__}")
        setattr(self, name, parameter)

    def add_module(self, name: str, module: Attributes) -> None:
        """Do what `self.name = module` does, for a new name."""
        self._check_new(name)
        if not isinstance(module, Attributes):
            raise TypeError(f"{name}: expected a Module, got {type(module).__name__}")
        setattr(self, name, module)


def _values(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def _is_module(value: Any) -> bool:
    return isinstance(value, Attributes)


def _buffer(name: str, value: Any) -> Array | None:
    """Return the array to keep as a buffer."""
    if value is None:
        return None
    array: Array = arrays.as_array(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"buffer {name}: expected an array, got {type(value).__name__}")
    return array


def _reaches(start: Attributes, target: Attributes) -> bool:
    """Whether `target` is `start` or below it."""
    seen: set[int] = set()
    stack = [start]
    while stack:
        module = stack.pop()
        if module is target:
            return True
        if id(module) not in seen:
            seen.add(id(module))
            stack += module._modules.values()
    return False
