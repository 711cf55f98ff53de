"""Which kernels of a file are looked at, under which names, and with which launches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .launch import EXPRESSION, Launch, canonical, draw, parse
from .source import Kernel, Source


@dataclass(frozen=True)
class Target:
    """A kernel or an instantiation of a template, with the launches that the user gives for it."""

    expression: str
    kernel: Kernel
    launches: tuple[tuple[str, str], ...]  # (text, origin)


def select(
    source: Source, names: Sequence[str], launches: Sequence[str]
) -> tuple[list[Target], list[Kernel]]:
    """Return what to look at, in the file's order, and the templates that nobody instantiates.

    `names` and `launches` are the command line's: names leave out all other kernels, a launch
    replaces those that the file gives for its kernel. Raises ValueError for what does not fit.
    """
    in_file, instances = _directives(source)
    given = [_given(text) for text in launches]
    replaced = {launch.kernel for _, launch in given}
    all_launches = given + [(t, launch) for t, launch in in_file if launch.kernel not in replaced]
    wanted = [_expression(name, "--kernel") for name in names]
    if not wanted:
        wanted = [k.name for k in source.kernels.values() if not k.template]
        wanted += instances + [launch.kernel for _, launch in all_launches]
    for _, launch in given:
        if launch.kernel not in wanted:
            raise ValueError(f"--launch speaks of {launch.kernel}, which --kernel leaves out")
    targets = []
    for expression in dict.fromkeys(wanted):
        kernel = _kernel(source, expression)
        own = [(text, launch) for text, launch in all_launches if launch.kernel == expression]
        for _, launch in own:
            _try(launch, kernel)
        texts = tuple((text, launch.origin) for text, launch in own)
        targets.append(Target(expression, kernel, texts))
    targets.sort(key=lambda t: list(source.kernels).index(t.kernel.name))
    found = {t.kernel.name for t in targets}
    left = [k for k in source.kernels.values() if k.template and k.name not in found]
    return targets, [] if names else left


def _directives(source: Source) -> tuple[list[tuple[str, Launch]], list[str]]:
    """Return the launches and the instantiations that the file's comments name."""
    launches, instances = [], []
    for line, text in source.directives:
        origin = f"{source.file}:{line}"
        word, _, rest = text.partition(" ")
        if word == "kernel":
            instances.append(_expression(rest, origin))
        elif word == "launch":
            launches.append((rest, parse(rest, origin)))
        else:
            raise ValueError(
                f"{origin}: expected `// lint: kernel …` or `// lint: launch …`, got {text!r}"
            )
    return launches, instances


def _given(text: str) -> tuple[str, Launch]:
    """Parse a --launch; the whole comment may have been copied there."""
    text = re.sub(r"^\s*(//\s*lint:\s*)?(launch\s+)?", "", text)
    return text, parse(text, "--launch")


def _expression(text: str, origin: str) -> str:
    if not EXPRESSION.fullmatch(text.strip()):
        raise ValueError(
            f"{origin}: expected a kernel such as scale or scale<float, 16>, got {text!r}"
        )
    return canonical(text)


def _kernel(source: Source, expression: str) -> Kernel:
    name, template = expression.partition("<")[::2]
    kernel = source.kernels.get(name)
    if kernel is None:
        raise ValueError(
            f"{source.path} has no kernel {name!r}; it has {', '.join(source.kernels)} (those that "
            "macros write are not seen)"
        )
    if kernel.template and not template:
        raise ValueError(f"{name} is a template; name an instantiation, such as {name}<float>")
    if template and not kernel.template:
        raise ValueError(f"{name} is no template; name it without <…>, got {expression!r}")
    return kernel


def _try(launch: Launch, kernel: Kernel) -> None:
    """Raise ValueError unless the launch makes sense for one of the kernel's definitions."""
    errors = []
    for parameters in kernel.parameters:
        try:
            draw(launch, parameters, np.random.default_rng(0), 0)
            return
        except ValueError as error:
            errors.append(error)
    raise errors[0]
