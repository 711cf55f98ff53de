"""The tester tested: wrong backward passes are rejected for the mutation and nothing else."""

import pytest

from minires.gradcheck import mutants

ALL = mutants.mutants()
WITHOUT_HINT = {
    "conv2d: dilation ignored in dw",
    "max_pool2d: columns reversed",
}


def test_there_are_mutants_of_every_kind():
    kinds = {m.name.split(":")[0] for m in ALL}
    assert len(ALL) >= 15
    assert len({m.name for m in ALL}) == len(ALL)
    assert kinds == {
        "conv2d", "batch_norm", "relu", "add", "residual", "broadcast", "max_pool2d",
        "avg_pool2d", "global_avg_pool2d", "cross_entropy", "linear",
    }  # fmt: skip


@pytest.mark.parametrize("mutant", ALL, ids=lambda m: m.name)
def test_mutant_is_rejected_with_its_family_and_its_original_passes(mutant):
    report = mutant.check(mutated=False)
    assert report.ok, str(report)
    report = mutant.check()
    assert not report.ok, str(report)
    assert report.verdict == "FAIL"
    assert report.error is None, "rejected for a crash, not for its gradient"
    families = [family for family, _ in report.hints]
    if mutant.name in WITHOUT_HINT:
        assert set(families) <= {"fact"}  # no hint rather than a wrong one
    else:
        assert families[0] == mutant.family


def test_most_mutants_have_a_hint():
    assert {m.name for m in ALL} >= WITHOUT_HINT
    assert len(WITHOUT_HINT) <= 0.2 * len(ALL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_rejection_does_not_hang_on_the_seed(seed, thorough):
    for mutant in mutants.mutants(seed)[:: 1 if thorough else 6 + seed]:
        assert not mutant.check(seed=seed), mutant.name
        assert mutant.check(mutated=False, seed=seed), mutant.name
