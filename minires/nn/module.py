"""Module: a part of a network that owns parameters, buffers and other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from minires_kernels import arrays

from ..hooks import HookHandle
from ..tensor import Array, Tensor


class Parameter(Tensor):
    """A tensor that a Module registers when it is assigned to an attribute; it is trained."""

    __slots__ = ()

    def __init__(self, data: Array | Tensor, requires_grad: bool = True) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad)


PreHook = Callable[["Module", tuple[Any, ...]], Any]
Hook = Callable[["Module", tuple[Any, ...], Any], Any]


class Module:
    """Base class of layers and networks: assign parameters and modules, and write `forward`.

        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(4, 4)

            def forward(self, x):
                return self.linear(self.linear(x))

    Parameters, buffers and submodules are found in the order of their assignment.
    """

    training: bool

    def __init__(self) -> None:
        # straight into __dict__, because __setattr__ needs these to exist
        self.__dict__.update(
            _parameters={}, _buffers={}, _modules={}, _pre_hooks=[], _hooks=[], training=True
        )

    def forward(self, *inputs: Any) -> Any:
        """Compute the output. Subclasses override this and are called as `module(x)`."""
        raise TypeError(f"{type(self).__name__} defines no forward(); override it")

    def __call__(self, *inputs: Any) -> Any:
        """Run the pre-hooks, `forward` and the hooks."""
        for pre_hook in list(self._pre_hooks):
            changed = pre_hook(self, inputs)
            if changed is not None:
                inputs = changed if isinstance(changed, tuple) else (changed,)
        y = self.forward(*inputs)
        for hook in list(self._hooks):
            changed = hook(self, inputs, y)
            if changed is not None:
                y = changed
        return y

    # ---- attributes -----------------------------------------------------------------------------
    def __setattr__(self, name: str, value: Any) -> None:
        if "_modules" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: call super().__init__() first")
        registries = (self._parameters, self._buffers, self._modules)
        home: dict[str, Any] | None = None
        if isinstance(value, Parameter):
            home = self._parameters
        elif isinstance(value, Module):
            home = self._modules
        elif name in self._buffers:
            home, value = self._buffers, None if value is None else arrays.as_array(value)
        elif name in self._parameters and value is not None:
            raise TypeError(f"{name} is a parameter; assign a Parameter, or None to remove it")
        for registry in registries:
            if registry is not home:
                registry.pop(name, None)
        if home is None:
            self.__dict__[name] = value
        else:
            self.__dict__.pop(name, None)
            home[name] = value

    def __getattr__(self, name: str) -> Any:  # only called when the normal look-up fails
        own = self.__dict__
        for registry in ("_parameters", "_modules", "_buffers"):
            if registry in own and name in own[registry]:
                return own[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                return
        super().__delattr__(name)

    def register_buffer(self, name: str, value: Array | None) -> None:
        """Keep an array that is part of the state but not trained, e.g. running statistics."""
        if hasattr(self, name):
            raise ValueError(f"{type(self).__name__} already has an attribute {name!r}")
        self._buffers[name] = None if value is None else arrays.as_array(value)

    # ---- walking --------------------------------------------------------------------------------
    def children(self) -> Iterator[Module]:
        """Return the direct submodules."""
        return iter(dict.fromkeys(self._modules.values()))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it with dotted names, each once, parents first."""
        seen: set[Module] = set()
        stack = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if module in seen:
                continue
            seen.add(module)
            yield name, module
            dot = f"{name}." if name else ""
            stack += [(dot + key, child) for key, child in reversed(module._modules.items())]

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter), each parameter once."""
        seen: set[int] = set()
        for prefix, module in self.named_modules() if recurse else [("", self)]:
            for key, p in module._parameters.items():
                if id(p) not in seen:
                    seen.add(id(p))
                    yield (f"{prefix}.{key}" if prefix else key), p

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once."""
        return (p for _, p in self.named_parameters(recurse))

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield (dotted name, array) of every buffer."""
        for prefix, module in self.named_modules():
            for key, value in module._buffers.items():
                if value is not None:
                    yield (f"{prefix}.{key}" if prefix else key), value

    def buffers(self) -> Iterator[Array]:
        """Yield every buffer."""
        return (value for _, value in self.named_buffers())

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module, children first, and return self."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ---- state ----------------------------------------------------------------------------------
    def train(self, mode: bool = True) -> Self:
        """Set training mode (batch statistics, dropout) here and below; returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode; returns self."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget all gradients: set every `.grad` to None."""
        for p in self.parameters():
            p.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters require gradients (False freezes them)."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def to(self, target: npt.DTypeLike) -> Self:
        """Move to "cpu" or "cuda", or cast to a floating dtype, in place; returns self.

        A move takes parameters, gradients and buffers along; make optimisers after it. A cast is of
        floating parameters and buffers, and drops gradients. Raises RuntimeError without a GPU.
        """
        if isinstance(target, str) and target in ("cpu", "cuda"):
            return self._move(target)
        try:
            dtype = np.dtype(target)
        except TypeError:
            dtype = None
        if dtype is None or dtype.kind != "f":
            raise TypeError(f"to(): expected 'cpu', 'cuda' or a floating dtype, got {target!r}")
        return self._cast(dtype)

    def cuda(self) -> Self:
        """Move to the GPU: `to("cuda")`."""
        return self._move("cuda")

    def cpu(self) -> Self:
        """Move to NumPy's memory: `to("cpu")`."""
        return self._move("cpu")

    def _move(self, device: str) -> Self:
        for p in self.parameters():
            if p.device != device:
                _replace(p, arrays.to_place(p.data, device))
            if p.grad is not None:
                p.grad = arrays.to_place(p.grad, device)
        for module in self.modules():
            for key, value in module._buffers.items():
                if value is not None:
                    module._buffers[key] = arrays.to_place(value, device)
        return self

    def _cast(self, dtype: np.dtype[Any]) -> Self:
        for p in self.parameters():
            _replace(p, p.data.astype(dtype))
            p.grad = None
        for module in self.modules():
            for key, value in module._buffers.items():
                if value is not None and value.dtype.kind == "f":
                    module._buffers[key] = value.astype(dtype)
        return self

    def double(self) -> Self:
        """Cast to float64, the checking dtype."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Cast to float32, the training dtype."""
        return self.to(np.float32)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers by dotted name, each where it lives."""
        state = {}
        for prefix, module in self.named_modules():
            dot = f"{prefix}." if prefix else ""
            for key, p in module._parameters.items():
                state[dot + key] = p.data.copy()
            for key, value in module._buffers.items():
                if value is not None:
                    state[dot + key] = value.copy()
        return state

    def load_state_dict(self, state: dict[str, Array], strict: bool = True) -> None:
        """Copy values by name into the parameters and buffers, keeping their dtypes and places.

        Raises ValueError that lists missing and unexpected names (if strict) and differing shapes;
        then nothing is changed.
        """
        own: dict[str, Any] = dict(self.named_parameters()) | dict(self.named_buffers())
        problems = []
        if strict:
            if missing := sorted(set(own) - set(state)):
                problems.append("missing: " + ", ".join(missing))
            if unexpected := sorted(set(state) - set(own)):
                problems.append("unexpected: " + ", ".join(unexpected))
        both = {name: arrays.as_array(state[name]) for name in own if name in state}
        problems += [
            f"{name}: expected shape {own[name].shape}, got {value.shape}"
            for name, value in both.items()
            if value.shape != own[name].shape
        ]
        if problems:
            raise ValueError(f"{type(self).__name__}.load_state_dict: " + "; ".join(problems))
        for name, value in both.items():
            target = own[name]
            if isinstance(target, Parameter):
                target.update_(arrays.beside(value, target.data))
            else:
                moved = arrays.beside(value, target)
                arrays.module_of(target).copyto(target, moved, casting="same_kind")

    # ---- hooks and text -------------------------------------------------------------------------
    @property
    def hooked(self) -> bool:
        """Whether a forward hook or pre-hook is registered on this module."""
        return bool(self._pre_hooks or self._hooks)

    def register_forward_pre_hook(self, hook: PreHook) -> HookHandle:
        """Call `hook(module, inputs)` before forward; what it returns replaces the inputs."""
        self._pre_hooks.append(hook)
        return HookHandle(self._pre_hooks, hook)

    def register_forward_hook(self, hook: Hook) -> HookHandle:
        """Call `hook(module, inputs, output)` after forward; a result replaces the output."""
        self._hooks.append(hook)
        return HookHandle(self._hooks, hook)

    def extra_repr(self) -> str:
        """Return the arguments to show in the module's text; layers override this."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {module!r}" for name, module in self._modules.items()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        body = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"


def _replace(p: Parameter, values: Array) -> None:
    """Give `p` another array; graphs recorded with the old one refuse to run backward."""
    p.data, p.node = values, None
    p.version += 1
