"""Which of the recorded calls of a function or a network have a wrong backward pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import random as minires_random
from ..grad_mode import enable_grad
from ..observe import watching
from .calls import Call, CallLog
from .calltest import Slip, check_call
from .diagnosis import Diagnosis, diagnose
from .forms import TensorSubject
from .wording import near

Found = list[tuple[Call, Slip]]


def wrong_calls(calls: Sequence[Call], tell: Callable[[int, int], None] | None = None) -> Found:
    """Return every call that is wrong or undecided, in the order of the forward pass."""
    found = []
    for k, call in enumerate(calls):
        if tell is not None:
            tell(k, len(calls))
        if (slip := check_call(call, seed=k)) is not None:
            found.append((call, slip))
    return found


def of_subject(subject: Any) -> Found:
    """Check each call of a function of Tensors or a Module by itself; none of a single one."""
    if not isinstance(subject, TensorSubject) or subject.own is not None:
        return []
    log = CallLog(subject.module)
    with np.errstate(all="ignore"), enable_grad(), watching(log):
        subject.call([a.copy() for a in subject.arrays])
    if len(log.calls) < 2:
        return []
    with minires_random.using(copy.deepcopy(subject.rng)):
        return wrong_calls(log.calls)


def diagnosed(found: Found) -> Diagnosis:
    """Look for the line of the first wrong call, if its backward is the user's own."""
    call = next((call for call, slip in found if not slip.undecided), None)
    if call is None or call.defined is None or call.options:
        return Diagnosis()
    return diagnose(TensorSubject(call.function, call.inputs))


def described(call: Call, slip: Slip) -> str:
    """Return the sentence about a wrong call, and its places in the source."""
    text = f"{call.name}: {slip.text}"
    if call.place is not None:
        text += f"\n  it ran in {call.place}"
    if call.defined is not None:
        text += f"\n  its backward is in {near(call.defined.file)}, line {call.defined.line}"
    return text
