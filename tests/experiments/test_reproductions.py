"""Reproductions: verdicts from made results, runs that are kept, what is refused, the command."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from minires import train
from minires.__main__ import main
from minires.experiments import reproductions
from minires.experiments.reproductions import base, features, real, report, running, small
from minires.experiments.reproductions.base import Arm, Form, Found, Result
from minires.experiments.settings import Setting

NAMES = reproductions.names()


def results_of(arms, value, seeds=2, **more):
    """Return results of every arm and seed; value(name, seed) gives the number, None: diverged."""
    found = []
    for seed in range(seeds):
        for arm in arms:
            number = value(arm.name, seed)
            stop = 3 if number is None else None
            result = Result(number, stop, arm=arm.name, seed=seed, seconds=1.0, **more)
            found.append(result)
    return found


def verdict_of(name, value, form=None, draw=False, **more):
    chosen, form = reproductions.find(name), form or Form()
    arms = chosen.arms(form)
    found = Found(arms, results_of(arms, value, **more))
    verdict = report.judge(chosen, form, found)
    return verdict, chosen.draw(form, found, verdict) if draw else None


def curve(name):
    return [{"epoch": e, "train_error": 50.0 / e} for e in (1, 2, 3)]


# ---- the list -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("full", [False, True])
def test_every_reproduction_says_what_it_compares(name, full):
    chosen = reproductions.find(name)
    form = Form(full=full, data=chosen.full_data if full else chosen.data[0])
    running.check_data(chosen, form)
    arms = chosen.arms(form)
    assert len({arm.name for arm in arms}) == len(arms) >= 1
    json.dumps([dict(arm.settings) for arm in arms], default=str)
    assert chosen.paper
    assert chosen.theirs
    assert chosen.measure(form)


def test_numbers_of_the_papers():
    papers = {a.name: a.paper for a in reproductions.find("table6").arms(Form(full=True))}
    assert papers == {
        "ResNet-20": 8.75, "ResNet-32": 7.51, "ResNet-44": 7.17, "ResNet-56": 6.97,
        "ResNet-110": 6.43, "ResNet-1202": 7.93,
    }  # fmt: skip
    zoo = {a.name: a.paper_text for a in reproductions.find("he2016-table1").arms(Form())}
    assert zoo["x"] == "6.61"
    assert zoo["1×1 convolution"] == "12.22"
    assert zoo["gate, b = -6"] == "6.91"
    assert zoo["dropout"] == "fail"


# ---- verdicts -----------------------------------------------------------------------------------
DEPTH = {"20": 9.0, "32": 8.0, "44": 7.5, "56": 7.0, "110": 6.5, "1202": 8.0}


def by_depth(name, seed):
    return DEPTH[name.split("-")[1]] + 0.01 * seed


def test_table6():
    full = Form(full=True, data="cifar10")
    verdict, _ = verdict_of("table6", by_depth, full, draw=True)
    assert verdict.kind == base.HOLDS
    assert "order of the paper holds" in verdict.text
    verdict, _ = verdict_of("table6", lambda n, s: 20 - by_depth(n, s), full)
    assert verdict.kind == base.DIFFERS
    verdict, _ = verdict_of("table6", lambda n, s: 7.0 + 3 * s)
    assert verdict.kind == base.NOT_COMPARABLE
    assert "CIFAR-10" in verdict.text


def test_fig6():
    def honest(name, seed):
        kind, depth = name.split("-")
        return 0.1 if kind == "ResNet" else min(90.0, 1.5 * int(depth))

    verdict, figure = verdict_of("fig6", honest, draw=True, points=curve(""))
    assert verdict.kind == base.HOLDS
    assert figure.get_suptitle().replace("\n", " ").replace("\xa0", " ") == verdict.headline
    verdict, _ = verdict_of("fig6", lambda n, s: 5.0, points=curve(""))
    assert verdict.kind == base.DIFFERS
    assert "does not rise" in verdict.text
    verdict, _ = verdict_of(
        "fig6", lambda n, s: None if n == "plain-110" else honest(n, s), points=curve("")
    )
    assert verdict.kind == base.HOLDS
    assert "plain-110 diverges" in verdict.text


def test_he2016_table1():
    papers = {a.name: a.paper for a in reproductions.find("he2016-table1").arms(Form())}
    verdict, _ = verdict_of("he2016-table1", lambda n, s: papers[n])  # None: diverged, as "fail"
    assert verdict.kind == base.HOLDS
    assert "1.00" in verdict.text
    verdict, _ = verdict_of("he2016-table1", lambda n, s: 100 - (papers[n] or 90))
    assert verdict.kind == base.DIFFERS


def test_he2016_table2():
    def gap(name, seed):
        if name.endswith("0.01"):
            return 0.5
        return 0.1 if name.startswith("full") else 40.0

    verdict, _ = verdict_of("he2016-table2", gap)
    assert verdict.kind == base.HOLDS
    assert "robustness" in verdict.text
    verdict, _ = verdict_of("he2016-table2", lambda n, s: 41 - gap(n, s))
    assert verdict.kind == base.DIFFERS


def test_branch_scale():
    verdict, _ = verdict_of("branch-scale", lambda n, s: None if n == "unscaled" else 0.1)
    assert verdict.kind == base.HOLDS
    verdict, _ = verdict_of("branch-scale", lambda n, s: 0.1)
    assert verdict.kind == base.DIFFERS


def test_stochastic_depth():
    better = {"constant depth": 9.0, "stochastic depth": 7.0}
    assert verdict_of("sd", lambda n, s: better[n])[0].kind == base.HOLDS
    assert verdict_of("sd", lambda n, s: 16 - better[n])[0].kind == base.DIFFERS
    assert verdict_of("sd", lambda n, s: better[n] + 5 * s)[0].kind == base.NOT_COMPARABLE


def lesion_points(error):
    single = [
        {"lesion": "delete", "block": f"b{i}", "blocks": 1, "error": error, "index": i}
        for i in range(3)
    ]
    several = [{"lesion": "delete", "block": None, "blocks": k, "error": 80.0} for k in (1, 2)]
    return [{"lesion": "none", "block": None, "blocks": 0, "error": 8.0}, *single, *several]


def test_lesion():
    more = {"numbers": {"whole": 8.0, "best": 8.0, "worst": 90.0}, "points": lesion_points(10.0)}
    verdict, _ = verdict_of("lesion", lambda n, s: 10.0 if "Res" in n else 85.0, draw=True, **more)
    assert verdict.kind == base.HOLDS
    assert "2.0 points" in verdict.headline
    verdict, _ = verdict_of("lesion", lambda n, s: 85.0, **more)
    assert verdict.kind == base.DIFFERS
    alone = Form(data="cifar10", weights={"resnet20": "shipped"})
    verdict, _ = verdict_of("lesion", lambda n, s: 10.0, alone, **more)
    assert verdict.kind == base.NOT_COMPARABLE


def test_paths():
    points = [{"length": k, "share": 0.02, "paths": 0.02} for k in range(55)]
    numbers = {"low": 5, "high": 20, "factor": 0.3, "blocks": 54}
    verdict, _ = verdict_of("paths", lambda n, s: 12.5, draw=True, numbers=numbers, points=points)
    assert verdict.kind == base.HOLDS
    verdict, _ = verdict_of(
        "paths", lambda n, s: 27.0, numbers=numbers | {"low": 20, "high": 34}, points=points
    )
    assert verdict.kind == base.DIFFERS


def test_superres_and_denoise():
    points = [{"step": s, "psnr": 20.0, "before": 21.0} for s in (10, 100)]
    ahead = lambda n, s: 26.0 if n.startswith("res") else 24.0  # noqa: E731
    for name in ("superres", "denoise"):
        verdict, _ = verdict_of(name, ahead, draw=True, points=points)
        assert verdict.kind == base.HOLDS, name
        verdict, _ = verdict_of(name, lambda n, s: 50 - ahead(n, s), points=points)
        assert verdict.kind == base.DIFFERS


def test_transfer():
    def textbook(name, seed):
        how, _, labels = name.partition(", ")
        few = labels.startswith("5 ")
        return {"from scratch": 60 if few else 37, "head only": 43 if few else 34,
                "fine-tuned": 44 if few else 30}.get(how, 40 if few else 32)  # fmt: skip

    verdict, _ = verdict_of("transfer", textbook, draw=True)
    assert verdict.kind == base.HOLDS
    verdict, _ = verdict_of("transfer", lambda n, s: 80.0 - textbook(n, s))
    assert verdict.kind == base.DIFFERS


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_diverges_everywhere_is_a_verdict_and_a_figure_too(name):
    verdict, figure = verdict_of(name, lambda n, s: None, draw=True)
    assert verdict.kind != base.HOLDS
    assert figure.get_suptitle()


def test_ranks_and_correlation():
    assert base.ranks([3.0, 1.0, math.inf, math.inf]) == [2.0, 1.0, 3.5, 3.5]
    assert base.rank_correlation([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert base.rank_correlation([1, 2, 3], [30, 20, 10]) == pytest.approx(-1)
    assert math.isnan(base.rank_correlation([1, 1, 1], [1, 2, 3]))


# ---- what the arms measure ----------------------------------------------------------------------
@pytest.fixture
def tiny(monkeypatch):
    """Make all trainings of the short forms very short, and nets small."""
    monkeypatch.setattr(small, "recipe_for", lambda form, recipe: replace(recipe, epochs=1))
    monkeypatch.setattr(small, "conv", lambda depth, skip="identity", **o: small_conv(skip))
    monkeypatch.setattr(small, "mlp", lambda depth, skip="identity", **o: small_mlp(skip))
    small_conv = lambda skip: Setting("conv", 14, skip, "bn", "he", "relu", 2)  # noqa: E731
    small_mlp = lambda skip: Setting("mlp", 8, skip, "bn", "he", "relu", 16)  # noqa: E731


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("transfer", "table6", "fig6")]


@pytest.mark.parametrize("name", ["lesion", "paths", *SLOW])
def test_a_short_form_from_end_to_end(name, tiny, tmp_path):
    chosen, form = reproductions.find(name), Form(out=tmp_path)
    arms = chosen.arms(form)[-2:]
    found = list(running.stream(chosen, form, arms, 1))
    assert all(r.value is not None and 0 <= r.value <= 100 for r in found)
    assert all(r.seconds > 0 for r in found)
    if name in ("lesion", "fig6", "paths"):
        assert all(r.points for r in found)


@pytest.mark.slow
def test_a_short_form_gives_the_same_again(tiny, tmp_path):
    chosen = reproductions.find("lesion")
    a, b = (
        list(running.stream(chosen, (form := Form(out=tmp_path / way)), chosen.arms(form), 1))
        for way in "ab"
    )
    assert [r.value for r in a] == [r.value for r in b]
    assert [r.points for r in a] == [r.points for r in b]


@pytest.mark.slow
def test_a_full_form_trains_goes_on_and_is_measured(monkeypatch, tmp_path):
    recipe = train.RECIPES["he2015"].changed(iterations=3, batch_size=16, crop="none")
    monkeypatch.setattr(real, "recipe_for", lambda model: recipe)
    form = Form(full=True, data="digits", out=tmp_path)
    arm = real.arm(form, "ResNet-20", "resnet20", {"width": 2}, paper=8.75)
    result = arm.measure(0)
    assert 0 < result.value <= 100
    assert result.numbers["train_error"] is not None
    assert (tmp_path / "runs/resnet-20-0/model.safetensors").exists()
    assert arm.measure(0).value == result.value  # from its checkpoint
    path = str(tmp_path / "runs/resnet-20-0")
    for name in ("lesion", "transfer"):
        given = Form(data="digits", out=tmp_path / name, weights={"resnet20": path})
        arms = reproductions.find(name).arms(given)[:3]
        assert all(r.value is not None for r in running.stream(
            reproductions.find(name), given, arms, 1
        ))  # fmt: skip


def test_images_are_enlarged_to_what_a_net_was_trained_on():
    x = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    y = features.fitted(x, (8, 12, 3))
    assert y.shape == (2, 8, 12, 3)
    assert (y[:, ::2, ::3, 0] == x[..., 0]).all()
    with pytest.raises(ValueError, match="cannot be enlarged"):
        features.fitted(x, (10, 8, 3))


def test_halved_images_are_means():
    x = np.array([[[[0], [4]], [[8], [4]]]], np.uint8)
    assert small.halved(x).tolist() == [[[[4.0]]]]


# ---- running ------------------------------------------------------------------------------------
@pytest.fixture
def counted(monkeypatch):
    """Replace the reproductions by one whose arms count how often they are run."""
    calls = []

    def arms(form):
        def arm(name, value):
            def measure(seed):
                calls.append((name, seed))
                if name == "stops" and len(calls) == 4:
                    raise KeyboardInterrupt
                return Result(value, None if value is not None else 7, points=[{"x": 1}])

            return Arm(name, measure, 5.0, settings={"value": value})

        return [arm("good", 1.5), arm("diverges", None), arm("stops", 2.0)]

    chosen = base.Reproduction(
        "tiny", "Is it tiny?", "Nobody 1999", "nothing", ("ours", "theirs"), "s", 0.1, "f",
        ("digits",), arms, lambda form, found: base.Verdict(base.HOLDS, "It is", "it is."),
        reproductions.find("sd").draw,
    )  # fmt: skip
    monkeypatch.setitem(reproductions.ALL, "tiny", chosen)
    return calls


def test_the_command_writes_the_comparison_and_repeats_nothing(counted, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["reproduce", "tiny", "--out", out, "--seeds", "1"]) == 0
    said = capsys.readouterr()
    assert "Is it tiny?" in said.out
    assert "It is." in said.out
    assert "1 of 1 diverged" in said.out
    assert "diverged at step 7" in said.err
    document = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))
    assert document["command"] == "minires reproduce tiny --seeds 1"
    assert document["verdict"] == "holds"
    assert [a["diverged"] for a in document["arms"]] == [0, 1, 0]
    text = (tmp_path / "out/rows.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(r["arm"], r["value"]) for r in rows] == [
        ("good", "1.5"), ("diverges", ""), ("stops", "2.0"),
    ]  # fmt: skip
    assert (tmp_path / "out/points.csv").exists()
    assert (tmp_path / "out/tiny.png").exists()
    before = len(counted)
    assert main(["reproduce", "tiny", "--out", out, "--seeds", "1", "--json"]) == 0
    assert len(counted) == before  # all from the folder
    assert json.loads(capsys.readouterr().out)["arms"] == document["arms"]


def test_ctrl_c_keeps_what_is_finished(counted, tmp_path, capsys):
    counted.append("before")  # the fourth call is the third arm's
    out = str(tmp_path)
    assert main(["reproduce", "tiny", "--out", out, "--seeds", "1"]) == 130
    said = capsys.readouterr()
    assert "unfinished: 2 of 3 arms were run; missing: stops" in said.out
    assert main(["reproduce", "tiny", "--out", out, "--seeds", "1"]) == 0
    assert counted[-2:] == [("stops", 0), ("stops", 0)]


def test_a_finished_run_of_other_settings_or_a_damaged_one_is_not_taken(counted, tmp_path):
    chosen, form = reproductions.find("tiny"), Form(out=tmp_path)
    arms = chosen.arms(form)[:1]
    list(running.stream(chosen, form, arms, 1))
    list(running.stream(chosen, form, arms, 1))
    assert counted == [("good", 0)]
    other = [Arm("good", arms[0].measure, 5.0, settings={"value": 3})]
    list(running.stream(chosen, form, other, 1))
    assert len(counted) == 2
    for text in ("", "{}", "[1]", '{"identity": {}, "result": 3}', "\x00"):
        (tmp_path / "runs/good-0.json").write_text(text, encoding="utf-8")
        list(running.stream(chosen, form, arms, 1))
    assert len(counted) == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table7"], "did you mean table6"),
        (["table6", "--data", "mnist"], "table6 takes digits, cifar10; got 'mnist'"),
        (["table6", "--full", "--data", "digits"], "full form of table6 takes cifar10"),
        (["superres", "--data", "folder:"], "superres takes"),
        (["sd", "--weights", "a=b"], "trains its nets"),
        (["lesion", "--full", "--weights", "a=b"], "leave one of the two out"),
        (["lesion", "--data", "cifar10", "--weights", "resnet20=/nowhere.safetensors"], "nowhere"),
        (["transfer", "--weights", "a=b", "--weights", "c=d"], "transfer takes one net"),
        (["table6", "--out", "/dev/null/x"], "name another folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_offered_is_refused(words, said, capsys, tmp_path):
    rest = [] if "--out" in words else ["--out", str(tmp_path)]
    assert main(["reproduce", *words, *rest]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--seeds", "0"], ["--seeds", "x"], ["--weights", "x"], ["--nope"]]
)
def test_wrong_options_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        main(["reproduce", "table6", *words])


def test_the_list_names_all(capsys):
    assert main(["reproduce", "list"]) == 0
    said = capsys.readouterr().out
    for name in NAMES:
        chosen = reproductions.find(name)
        assert f"{name}: {chosen.title}" in said
        assert chosen.full in said
