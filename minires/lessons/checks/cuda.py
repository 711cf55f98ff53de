"""What checks of CUDA kernels share: the learner's source is run, and judged by what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..exercise import NotDone, Wrong, expect_array, require, require_written
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
    for name, before in launch.arguments.items():
        if name != array and np.ndim(before):
            same = np.array_equal(found.arrays[name], before)
            require(same, f"{what} is right, but {name} has been changed; it is only to be read")


def expect_cheap(
    found: Ran, space: str, what: str, advice: str = "", access: Sequence[str] = ("load", "store")
) -> None:
    """Require that each line uses a memory as little as possible; `what` is counted there."""
    rows = [row for row in found.profile if row.space == space and row.access in access]
    ratio, line = max(((row.ratio, row.line) for row in rows), default=(0.0, 0))
    require(
        ratio < 1.01,
        f"all numbers are right, but in line {line} a warp takes {ratio:.3g} times the {what} "
        f"that it needs{advice}",
    )


def expect_shared_out(found: Ran, access: str, least: int, times: int, what: str) -> None:
    """Require that the first block makes some requests for global memory, at most times × least.

    A request is an access of a warp, so a thread that works alone makes 32 times as many.
    """
    made = requests(found, access)
    require(
        0 < made <= times * least,
        f"all numbers are right, but {what}: the first block makes {made} requests "
        f"({access}s of a warp) to global memory, where {least} are enough",
    )


def requests(found: Ran, access: str) -> int:
    """Return how many requests for global memory the first block made."""
    return sum(r.requests for r in found.profile if (r.space, r.access) == ("global", access))
