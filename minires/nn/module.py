"""Module: a part of a network that owns parameters, buffers and other modules."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from minires_kernels import arrays

from ..hooks import HookHandle
from ..observe import tell, watchers
from ..tensor import Array
from .attributes import Attributes, Parameter, forget_gradient
from .state import LoadedKeys, load

PreHook = Callable[..., Any]
Hook = Callable[..., Any]


class Module(Attributes):
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

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run the pre-hooks, `forward` and the hooks; inputs may be given by keyword."""
        for hook in tuple(self._pre_hooks):
            if hook.with_kwargs:
                changed = hook(self, inputs, named)
                if changed is not None:
                    inputs, named = _both(changed)
            else:
                changed = hook(self, inputs)
                if changed is not None:
                    inputs = changed if isinstance(changed, tuple) else (changed,)
        if watched := watchers.get():
            tell("entering", self, inputs)
        y = self.forward(*inputs, **named)
        if watched:
            tell("leaving", self, y)
        for hook in tuple(self._hooks):
            given = (inputs, named) if hook.with_kwargs else (inputs,)
            changed = hook(self, *given, y)
            if changed is not None:
                y = changed
        return y

    # ---- walking --------------------------------------------------------------------------------
    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) of the direct submodules, each module once."""
        seen: set[int] = set()
        for name, module in list(self._modules.items()):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it with dotted names, each once, parents first."""
        seen: set[int] = set()
        for name, module in self._paths(prefix, seen):
            seen.add(id(module))
            yield name, module

    def _paths(self, prefix: str = "", skip: Container[int] = ()) -> Iterator[tuple[str, Module]]:
        """Yield every way to a module, parents first, but for those whose id is in `skip`."""
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) in skip:
                continue
            yield name, module
            dot = f"{name}." if name else ""
            stack += [(dot + key, child) for key, child in reversed(module._modules.items())]

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter), each parameter once, under the first of its names."""
        seen: set[int] = set()
        for prefix, module in self.named_modules() if recurse else [("", self)]:
            for key, p in list(module._parameters.items()):
                if id(p) not in seen:
                    seen.add(id(p))
                    yield (f"{prefix}.{key}" if prefix else key), p

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once."""
        return (p for _, p in self.named_parameters(recurse))

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield (dotted name, array) of every buffer."""
        for prefix, module in self.named_modules():
            for key, value in list(module._buffers.items()):
                if value is not None:
                    yield (f"{prefix}.{key}" if prefix else key), value

    def buffers(self) -> Iterator[Array]:
        return (value for _, value in self.named_buffers())

    def get_submodule(self, name: str) -> Module:
        """Return the module of a dotted name, itself for "". Raises AttributeError without one."""
        module = self
        for i, key in enumerate(parts := name.split(".") if name else []):
            if key not in module._modules:
                have = ", ".join(module._modules) or "none"
                raise AttributeError(
                    f"{type(self).__name__} has no module {'.'.join(parts[: i + 1])!r}; "
                    f"{type(module).__name__} has: {have}"
                )
            module = module._modules[key]
        return module

    def get_parameter(self, name: str) -> Parameter:
        """Return the parameter of a dotted name. Raises AttributeError without one."""
        path, _, key = name.rpartition(".")
        module = self.get_submodule(path)
        if key not in module._parameters:
            have = ", ".join(module._parameters) or "none"
            raise AttributeError(
                f"{type(self).__name__} has no parameter {name!r}; {type(module).__name__} "
                f"has: {have}"
            )
        found: Parameter = module._parameters[key]
        return found

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module, children first, and return self."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ---- state ----------------------------------------------------------------------------------
    def train(self, mode: bool = True) -> Self:
        """Set training mode (batch statistics, dropout) here and below; returns self.

        What `train.transfer.freeze` has frozen stays in evaluation mode.
        """
        if not isinstance(mode, bool | np.bool_):
            raise TypeError(f"train(): expected True or False, got {type(mode).__name__}")
        for module in self.modules():
            module.training = bool(mode) and not module.__dict__.get("_frozen", False)
        return self

    def eval(self) -> Self:
        """Set evaluation mode; returns self."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients: set every `.grad` to None, or to zeros unless `set_to_none`."""
        for p in self.parameters():
            forget_gradient(p, set_to_none)

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
                p.data = arrays.to_device(p.data, device)
            if p.grad is not None:
                p.grad = arrays.to_device(p.grad, device)
        moved: dict[int, Array] = {}  # a buffer of two modules stays one
        for module in self.modules():
            for key, value in module._buffers.items():
                if value is not None:
                    there = moved.setdefault(id(value), arrays.to_device(value, device))
                    module._buffers[key] = there
        return self

    def _cast(self, dtype: np.dtype[Any]) -> Self:
        for p in self.parameters():
            if p.dtype != dtype:
                p.data = p.data.astype(dtype)
                p.grad = None
        cast: dict[int, Array] = {}  # a buffer of two modules stays one
        for module in self.modules():
            for key, value in module._buffers.items():
                if value is not None and value.dtype.kind == "f":
                    there = cast.setdefault(id(value), value.astype(dtype, copy=False))
                    module._buffers[key] = there
        return self

    def double(self) -> Self:
        """Cast to float64, the checking dtype."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Cast to float32, the training dtype."""
        return self.to(np.float32)

    def _named_state(self) -> Iterator[tuple[str, Parameter | Array]]:
        """Yield parameters and buffers with every name that leads to them: several if shared."""
        for prefix, module in self._paths():
            dot = f"{prefix}." if prefix else ""
            for key, value in (module._parameters | module._buffers).items():
                if value is not None:
                    yield dot + key, value

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers by dotted name, each where it lives.

        As in PyTorch, what is shared or tied is listed under each of its names.
        """
        named = self._named_state()
        return {k: (v.data if isinstance(v, Parameter) else v).copy() for k, v in named}

    def load_state_dict(self, state: Mapping[str, Array], strict: bool = True) -> LoadedKeys:
        """Copy values by name into the parameters and buffers, keeping their dtypes and places.

        Values (arrays, Tensors) are cast to those dtypes, but floats never to integers. For a tied
        parameter one of its names is enough. Raises ValueError that lists missing and unexpected
        names (if strict), differing shapes and so on; then nothing is changed. Returns the missing
        and the unexpected names.
        """
        return load(type(self).__name__, dict(self._named_state()), state, strict)

    # ---- hooks and text -------------------------------------------------------------------------
    @property
    def hooked(self) -> bool:
        """Whether a forward hook or pre-hook is registered on this module."""
        return bool(self._pre_hooks or self._hooks)

    def register_forward_pre_hook(
        self, hook: PreHook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, inputs)` before forward; what it returns replaces the inputs.

        `inputs` are those given by position; `prepend` puts the hook before the others. With
        `with_kwargs` the call is `hook(module, inputs, named)`, and a result the pair of both.
        """
        return HookHandle(self._pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, inputs, output)` after forward; a result replaces the output.

        With `with_kwargs` the call is `hook(module, inputs, named, output)`.
        """
        return HookHandle(self._hooks, hook, prepend, with_kwargs)

    def __copy__(self) -> Self:
        """Return a module of the same parameters and submodules, with registers of its own."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        for name in ("_parameters", "_buffers", "_modules", "_pre_hooks", "_hooks"):
            twin.__dict__[name] = self.__dict__[name].copy()
        return twin

    def extra_repr(self) -> str:
        """Return what the text of the module shows in its brackets; layers override this."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {text}" for name, text in self._texts()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        body = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the text of each submodule."""
        return ((name, repr(module)) for name, module in self._modules.items())


def _both(changed: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the inputs that a pre-hook of `with_kwargs` has given."""
    match changed:
        case (tuple() as inputs, dict() as named):
            return inputs, named
    raise TypeError(
        "a pre-hook with kwargs returns None, or a tuple of inputs and a dict of those by keyword; "
        f"got {changed!r}"
    )
