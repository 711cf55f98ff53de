"""Inputs derived from calls that were seen, as texts of tests that use the project's checker."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SMALL = 2000  # elements of an array that is worth a test of differences
PLAIN = int | float | bool | str | None
Texts = dict[str, str]


@dataclass
class Call:
    """The arguments of one call, by name; arrays and lists are copies."""

    arguments: dict[str, Any]

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Call | None:
        """Copy what `locals()` is at the start of a call; None if there is too much of it."""
        found = {}
        for name, value in arguments.items():
            value = value.data if type(value).__name__ == "Tensor" else value
            if isinstance(value, np.ndarray):
                if value.size > SMALL:
                    return None
                value = value.copy()
            found[name] = value
        return cls(found)

    def kind(self) -> tuple[Any, ...]:
        """Return what tells calls apart: shapes, types and options."""
        return tuple(
            (v.shape, v.dtype.str) if isinstance(v, np.ndarray) else repr(v)[:80]
            for v in self.arguments.values()
        )


@dataclass(frozen=True)
class Candidate:
    """A test: its name, its text, and what is special about it."""

    name: str
    code: str
    what: str


def candidates(
    calls: dict[str, list[Call]], module: str, names: tuple[str, str | None]
) -> Iterator[Candidate]:
    """Yield tests of (backward, forward) on inputs like those of the calls of forward."""
    backward, forward = names
    if forward is None or "<locals>" in backward + forward or not module.isascii():
        return
    seen: set[str] = set()
    for call in calls.get(forward, ()):
        own = {k: v for k, v in call.arguments.items() if k not in ("ctx", "cls")}
        if "self" in own or "args" in own or "kwargs" in own:
            continue
        for what, texts in variations(own):
            code = _test(module, backward, forward, texts, what, own)
            if code is not None and (body := code.split('"""')[2]) not in seen:
                seen.add(body)
                yield Candidate(_test_name(backward), code, what)


def _test_name(backward: str) -> str:
    return "test_" + backward.replace(".", "_").strip("_").lower()


def _test(
    module: str, backward: str, forward: str, texts: Texts, what: str, own: dict[str, Any]
) -> str | None:
    owner, _, _ = backward.rpartition(".")
    arrays = [n for n in texts if isinstance(own[n], np.ndarray)]
    if not arrays or any(t is None for t in texts.values()):
        return None
    others = {n: t for n, t in texts.items() if n not in arrays}
    if owner:
        options = "".join(f", {n}={t}" for n, t in others.items())
        checked, given, imported = owner, ", ".join(arrays), owner
        if options:
            checked = f"lambda {given}: {owner}.apply({given}{options})"
        call = f"gradcheck({checked}, {given})"
    else:
        given = ", ".join(n if n in arrays else t for n, t in texts.items())
        imported = f"{backward}, {forward}"
        call = f"check_backward({forward}, {backward}, {given})"
    lines = [f"    {n} = {texts[n]}" for n in arrays]
    return "\n".join(
        [
            "import numpy as np",
            "",
            f"from minires.gradcheck import {call.split('(')[0]}",
            f"from {module} import {imported}",
            "",
            "",
            f"def {_test_name(backward)}():",
            f'    """{what[0].upper() + what[1:]}."""',
            "    rng = np.random.default_rng(0)",
            *lines,
            f"    report = {call}",
            "    assert report.ok, report",
            "",
        ]
    )


# ---- other inputs of the same kind --------------------------------------------------------------
def variations(arguments: dict[str, Any]) -> Iterator[tuple[str, Texts]]:
    """Yield (what is special, text of each argument): values, sizes, ties, scales, options."""
    plain = {n: _text(v) for n, v in arguments.items()}
    yield "random values and a random upstream gradient", plain
    for shapes in _sizes(arguments):
        changed = {n: _text(v, shapes.get(n)) for n, v in arguments.items()}
        yield "sizes that differ from each other, and a random upstream gradient", changed
    forms = {
        "positive values": "np.abs({0}) + 0.1",
        "large values": "30 * {0}",
        "small values": "0.01 * {0}",
        "values with ties": "np.round(2 * {0})",
    }
    for what, form in forms.items():
        yield what, {n: form.format(t) if _floats(arguments[n]) else t for n, t in plain.items()}
    for name, value in arguments.items():
        for other in _other(value):
            yield f"{name} = {other}", plain | {name: other}


def _floats(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _text(value: Any, shape: tuple[int, ...] | None = None) -> Any:
    """Return an expression of such a value, of another shape if one is given; None if none."""
    if isinstance(value, np.ndarray):
        shape = value.shape if shape is None else shape
        if value.dtype.kind == "f":
            return f"rng.standard_normal({shape})"
        if value.dtype.kind in "iu" and value.size:
            return f"rng.integers({int(value.min())}, {int(value.max()) + 1}, {shape})"
        return f"rng.random({shape}) < 0.5" if value.dtype.kind == "b" else None
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, tuple | list) and all(isinstance(v, PLAIN) for v in value):
        return repr(type(value)(value)) if type(value) in (tuple, list) else None
    return None


def _sizes(arguments: dict[str, Any]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Yield shapes in which some axes are one longer, those of equal axes first and together.

    Which of them fit together only forward knows: a test of shapes that do not fails at once.
    """
    axes = [
        (n, k) for n, v in arguments.items() if isinstance(v, np.ndarray) for k in range(v.ndim)
    ]
    sizes = {(n, k): arguments[n].shape[k] for n, k in axes}
    if len(axes) > 8 or not axes:
        axes = axes[:8]
    tried = 0
    for count in range(1, min(len(axes), 4) + 1):
        for chosen in itertools.combinations(axes, count):
            if len({sizes[a] for a in chosen}) > 1 and count > 2:
                continue
            tried += 1
            if tried > 60:
                return
            yield {
                n: tuple(s + ((n, k) in chosen) for k, s in enumerate(v.shape))
                for n, v in arguments.items()
                if isinstance(v, np.ndarray)
            }


def _other(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [repr(not value)]
    if isinstance(value, int):
        return [repr(value + 1)]
    if isinstance(value, tuple) and value and all(type(v) is int for v in value):
        return [repr(tuple(v + 1 for v in value)), repr((*value[:-1], value[-1] + 1))]
    return []


def described(tests: Sequence[Candidate]) -> str:
    """Return how many inputs of which kinds were tried."""
    kinds = list(dict.fromkeys(t.what for t in tests))
    return f"{len(tests)} inputs: {'; '.join(kinds[:5])}"
