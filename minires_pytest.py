"""The fixture `gradcheck` for pytest, which pytest finds by itself where minires is installed.

def test_conv(gradcheck):
    gradcheck(conv_forward, conv_backward, x, w)

It stands outside of the package, so that pytest's start does not import minires, nor NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from minires.gradcheck import GradcheckReport


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., GradcheckReport]:
    """Check gradients: `gradcheck(forward, backward, *inputs)`, or `gradcheck(f, *inputs)`.

    Takes the keywords of minires' `check_backward` and `gradcheck`, and `allow=`, the verdicts that
    are accepted besides PASS, such as "UNDECIDED". Fails the test with the report as its message;
    returns the report otherwise.
    """
    return _checked


def _checked(
    f: Any, *rest: Any, allow: str | Collection[str] = (), **options: Any
) -> GradcheckReport:
    __tracebackhide__ = True  # pytest shows the line of the test
    from minires.gradcheck import check_backward
    from minires.gradcheck import gradcheck as check

    allowed = {allow} if isinstance(allow, str) else set(allow)
    if unknown := allowed - {"UNDECIDED", "VACUOUS"}:
        raise ValueError(f"allow: expected 'UNDECIDED' or 'VACUOUS', got {sorted(unknown)}")
    try:
        report = (check_backward if _is_pair(f, rest) else check)(f, *rest, **options)
    except Exception as error:
        raise error.with_traceback(_theirs(error.__traceback__)) from None
    if not report.ok and report.verdict not in allowed:
        raise AssertionError(f"{report}")
    return report


def _is_pair(f: Any, rest: tuple[Any, ...]) -> bool:
    """Return whether a backward pass follows: something that is called, and is no data."""
    data = hasattr(rest[0], "dtype") if rest else True
    return not data and callable(rest[0])


def _theirs(frames: TracebackType | None) -> TracebackType | None:
    """Return the frames outside of minires, whose own lines help nobody."""
    import minires

    if frames is None:
        return None
    after = _theirs(frames.tb_next)
    file = Path(frames.tb_frame.f_code.co_filename)
    if Path(minires.__file__).parent in file.parents or file == Path(__file__):
        return after
    frames.tb_next = after
    return frames
