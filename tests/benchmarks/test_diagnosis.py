"""The diagnosis of nets it was not calibrated on first; see `python -m benchmarks.diagnosis`."""

import pytest

from benchmarks import diagnosis
from benchmarks import diagnosis_nets as nets

CASES = {case.name: case for case in [*nets.HEALTHY, *nets.SICK, *nets.BORDER]}
QUICK = [
    "mlp-6 SiLU Xavier", "mlp-3 sigmoid Xavier", "mlp-8 SiLU Xavier", "mlp-9 tanh, PyTorch's init",
    "mlp-12 residual", "mlp-18 residual", "mlp-24 Xavier", "mlp-30", "mlp-4 sigmoid Xavier",
]  # fmt: skip  # on either side of a threshold


@pytest.mark.parametrize("name", QUICK)
def test_nets_on_either_side_of_a_threshold(name):
    found = diagnosis.findings(CASES[name], diagnosis.FIRST)
    assert diagnosis.judge(CASES[name], found) == "right", found


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(CASES) - set(QUICK)))
def test_what_ails_nets_that_were_judged_unseen(name):
    found = diagnosis.findings(CASES[name], diagnosis.FIRST + 1)
    assert diagnosis.judge(CASES[name], found) == ("miss" if name == nets.UNSEEN else "right"), (
        found
    )
