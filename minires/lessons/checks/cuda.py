"""What checks of CUDA kernels share: the learner's source is run, and judged by what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..exercise import NotDone, Wrong, expect_array, require_written
from ..expect import described
from ..kernels import CannotCompile, Launch, NoEmulator, Ran, run


def ran(source: Any, name: str, launches: Sequence[Launch]) -> list[Ran]:
    """Run the learner's source; Wrong with the compiler's words or the emulator's report.

    NotDone where there is no emulator: nobody is blamed for what cannot be checked.
    """
    require_written(source)
    if not isinstance(source, str):
        raise Wrong(f"expected the text of a kernel, got {described(source)}")
    try:
        found = run(source, name, launches)
    except CannotCompile as error:
        raise Wrong(f"your kernel cannot be compiled or launched:\n{error}") from None
    except NoEmulator as error:
        raise NotDone(f"cannot be checked here: {error}") from None
    if found[-1].report:
        launch = launches[len(found) - 1]
        sizes = ", ".join(
            f"{k} = {v}" for k, v in launch.arguments.items() if not getattr(v, "ndim", 0)
        )
        raise Wrong(f"grid {launch.grid}, block {launch.block}, {sizes}:\n{found[-1].report}")
    return found


def expect_result(
    found: Ran, launch: Launch, array: str, expected: Any, mistakes: dict[str, Any] | None = None
) -> None:
    """Require what a launch left in an array."""
    sizes = ", ".join(
        f"{k} = {v}" for k, v in launch.arguments.items() if not getattr(v, "ndim", 0)
    )
    what = f"{array} with {sizes}, grid {launch.grid}, block {launch.block}"
    expect_array(found.arrays[array], expected, what, 1e-5, mistakes)


def worst(found: Ran, space: str) -> tuple[float, int]:
    """Return the largest ratio of a profile's lines that touch this memory, and the line."""
    rows = [row for row in found.profile if row.space == space]
    return max(((row.ratio, row.line) for row in rows), default=(0.0, 0))


def loads(found: Ran) -> int:
    """Return how many requests for global memory the first block made."""
    return sum(r.requests for r in found.profile if r.space == "global" and r.access == "load")
