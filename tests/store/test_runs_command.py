"""`minires runs`: what it lists, compares, exports and removes, and what it refuses."""

import csv
import json
import math
import os
import statistics

import pytest

from minires.__main__ import main
from minires.experiments.columns import COLUMNS
from minires.store import Job, Result, Store, store
from minires.store.compare import Difference, compare
from minires.store.export import export
from minires.store.tidy import tidy


def result(error, diverged=False):
    layers = [
        {"step": 0, "index": i, "name": f"l{i}", "stream": True, "dx_norm": 0.1 + i, "dead": None}
        for i in range(2)
    ]
    summary = {
        "loss": math.nan if diverged else 2.0,
        "train_error": None if diverged else error,
        "diverged": diverged,
    }
    return Result(layers, [], [{"step": 1, "error": error}], summary | {"diverged_at": None})


def fill(path, change=0.0, seeds=3, **setting):
    """Put made-up runs of two depths; residual nets err by 0.1 less, and not always as much."""
    there = Store(path)
    for depth in (4, 8):
        for skip in ("none", "identity"):
            for seed in range(seeds):
                job = Job.of("train", depth=depth, skip=skip, width=8, seed=seed, **setting)
                better = 0.0 if skip == "none" else 0.1 + 0.01 * seed
                there.put(job, result(0.5 - better + 0.05 * seed + change), 1.0)
    return there


@pytest.fixture
def there(tmp_path):
    return fill(tmp_path / "s")


@pytest.fixture
def call(there, capsys):
    def call(*arguments):
        code = main(["runs", *arguments, "--store", str(there.path)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


# ---- choosing -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ([], 12),
        (["depth=4"], 6),
        (["depth=4,8", "skip=none"], 6),
        (["skip!=none", "seed!=0"], 4),
        (["train_error<=0.42", "depth>4"], 1),
        (["diverged=true"], 0),
        (["task=gradflow"], 0),
        (["branch_scale=1"], 12),
        (["records=[0]"], 12),
        (["clip=None"], 12),
    ],
)
def test_filters_choose(filters, count, call):
    code, out, _ = call("list", *filters, "--json")
    assert (code, len(json.loads(out))) == (0, count)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (["dpeth=4"], "dpeth: no run has such a field; did you mean depth?"),
        (["depth"], "expected a filter such as depth=20,56"),
        (["depth="], "expected a filter such as"),
        (["depth<a"], "depth<: expected a number, got 'a'"),
        (["--sort", "nil"], "no run has a field 'nil'"),
    ],
)
def test_a_filter_that_is_none_is_refused(filters, said, call):
    code, _, err = call("list", *filters)
    assert (code, said in err) == (2, True)


def test_list_shows_what_differs_and_says_what_does_not(call, there):
    _, out, _ = call("list", "skip=none", "--sort", "train_error")
    header, *lines = out.splitlines()
    assert header.split() == ["key", "depth", "seed", "train_error", "loss", "diverged"]
    assert [line.split()[2] for line in lines[:6]] == ["0", "0", "1", "1", "2", "2"]
    assert "all: arch=mlp skip=none" in out
    assert "6 runs in" in out


def test_show_takes_the_first_digits_of_a_key(call, there):
    run = there.runs()[0]
    code, out, _ = call("show", run.key[:7])
    assert code == 0
    assert f"train {run.key}, seed 0" in out
    assert "l1" in out
    assert call("show", "depth=4")[0] == 2
    assert "6 fit" in call("show", "depth=4")[2]
    assert "measured before 0; got 3" in call("show", run.key, "--step", "3")[2]


# ---- comparing ----------------------------------------------------------------------------------
def test_compare_takes_differences_within_seeds(call, there):
    found = compare(there.runs(skip="none"), there.runs(skip="identity"))
    of_errors = [d for d in found if d.quantity == "train_error"]
    assert [d.setting["depth"] for d in of_errors] == [4, 8]
    for d in of_errors:
        changes = [-0.1, -0.11, -0.12]
        assert d.change == pytest.approx(statistics.fmean(changes))
        # Student's t for 2 degrees of freedom: 4.303; the standard error is 0.01 / √3
        assert d.margin == pytest.approx(4.303 * 0.01 / 3**0.5)
        assert d.verdict() == "b is smaller"
    assert {d.verdict() for d in found if d.quantity == "loss"} == {"equal"}
    code, out, _ = call("compare", "skip=none", "skip=identity", "depth=4")
    assert code == 0
    assert "they differ in skip" in out
    assert "-0.11 ± 0.025" in out


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ({0: 1.0, 1: 2.0, 2: 3.0}, {0: 1.1, 1: 1.8, 2: 3.2}, "within noise"),
        ({0: 1.0, 1: 2.0, 2: 3.0}, {0: 1.1, 1: 2.1, 2: 3.11}, "b is larger"),
        ({0: 1.0, 1: 1.1}, {5: 9.0, 6: 9.1}, "b is larger"),
        ({0: 1.0, 1: 2.0}, {5: 3.0, 6: 1.0}, "within noise"),
        ({0: 1.0}, {0: 2.0}, "one seed: no spread to judge by"),
        ({0: 1.0}, {5: 2.0, 6: 2.0}, "one seed: no spread to judge by"),
        ({0: 1.0}, {}, "one side has no value"),
        ({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}, "equal"),
    ],
)
def test_verdicts(a, b, verdict):
    assert Difference({}, "loss", a, b, (0, 0), same=False).verdict() == verdict


def test_two_stores_and_two_codes_are_compared(there, tmp_path, call, monkeypatch):
    fill(tmp_path / "same")
    code, out, _ = call("compare", str(there.path), str(tmp_path / "same"))
    assert (code, out.count("the same bits")) == (0, 8)
    monkeypatch.setattr("minires.store.version.code", lambda *_: "0123456789ab")
    fill(there.path, change=0.2)
    old = next(r.code for r in there.runs() if r.code != "0123456789ab")
    code, out, _ = call("compare", f"code={old}+skip=none", "code=0123+skip=none")
    assert code == 0
    assert "they differ in code" in out
    assert "b is larger" in out
    code, _, err = call("compare", "skip=none", "skip=identity")
    assert "the first has two codes for one setting and seed" in err


def test_what_cannot_be_compared_is_refused(call, there):
    assert "no run fits the first" in call("compare", "depth=5", "depth=8")[2]
    one, other = there.runs(depth=4, skip="none"), there.runs(depth=8, skip="identity")
    assert len(compare(one, other)) == 2  # both fields are what is compared
    with pytest.raises(ValueError, match="nothing to compare"):
        compare(one, [there.put(Job.of("gradflow", depth=4, width=8), result(0.5), 1.0)])


def test_diverged_runs_are_counted_and_never_averaged(there, call):
    job = Job.of("train", depth=4, skip="none", width=8, seed=7)
    there.put(job, result(0.9, diverged=True), 1.0)
    (d,) = (
        d for d in compare(there.runs(skip="none", depth=4), there.runs(skip="identity", depth=4))
        if d.quantity == "train_error"
    )  # fmt: skip
    assert (d.lost, set(d.a)) == ((1, 0), {0, 1, 2})
    pairs = compare(there.runs(skip="none", depth=4), there.runs(skip="identity", depth=4))
    assert {d.lost for d in pairs} == {(1, 0)}  # the loss, which is nan, too
    assert "(1 diverged)" in call("compare", "skip=none", "skip=identity", "depth=4")[1]


# ---- export -------------------------------------------------------------------------------------
def test_export_is_tidy_and_explains_every_column(there, call, tmp_path):
    for what, rows in (("rows", 24), ("runs", 12), ("curve", 12), ("blocks", 0)):
        file = tmp_path / "x" / f"{what}.csv"
        assert call("export", str(file), "--table", what)[0] == 0
        with open(file, encoding="utf-8", newline="") as text:
            found = list(csv.DictReader(text))
        assert len(found) == rows
        about = json.loads((tmp_path / "x" / f"{what}.csv.columns.json").read_text("utf-8"))
        if rows:
            assert list(about["columns"]) == list(found[0])
            assert {r["depth"] for r in found} == {"4", "8"}
        named = {n for n in about["columns"] if n != "dead"}
        assert all(about["columns"][n]["about"] == COLUMNS[n] for n in named)
    assert sorted(p.name for p in (tmp_path / "x").iterdir())[0] == "blocks.csv"


def test_parquet_has_the_numbers_of_the_runs(there, call, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    assert call("export", str(tmp_path / "x.parquet"), "skip=none")[0] == 0
    found = parquet.read_table(tmp_path / "x.parquet")
    assert found.to_pylist() == list(tidy(there.runs(skip="none")).rows())
    assert found.schema.field("dx_norm").metadata[b"about"].decode() == COLUMNS["dx_norm"]
    assert str(found.schema.field("depth").type) == "int64"


def test_without_pyarrow_the_way_out_is_told(call, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    code, _, err = call("export", str(tmp_path / "x.parquet"))
    assert (code, 'pip install "minires[cluster]"' in err) == (2, True)


def test_pandas_has_a_row_for_each_layer(there):
    pytest.importorskip("pandas", reason="to_pandas needs pandas")
    frame = there.to_pandas()
    assert len(frame) == 24
    assert set(frame["depth"]) == {4, 8}
    assert frame["dead"].isna().all()
    assert frame.groupby("skip")["dx_norm"].mean()["none"] == pytest.approx(0.6)


def test_xarray_has_an_axis_for_runs_steps_and_layers(there):
    pytest.importorskip("xarray", reason="to_xarray needs xarray")
    found = there.to_xarray(skip="none")
    assert dict(found.sizes) == {"run": 6, "step": 1, "layer": 2}
    assert found["dx_norm"].isel(run=0, step=0).values.tolist() == [0.1, 1.1]
    assert set(found["depth"].values) == {4, 8}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "norm=gm"], "no run fits norm=gm: there norm is "),
        (["list", "depth=five"], "no run fits depth=five: there depth is 4, 8"),
        (["list", "skip=none", "depth<2"], "no run fits depth<2: there depth is 4, 8"),
        (["list", "key=zz"], "no run fits key=zz"),
        (["compare", "depth=4", "depth=5"], "no run fits depth=5: there depth is 4, 8"),
    ],
)
def test_filters_that_no_run_fits_say_what_there_is(arguments, said, call):
    assert said in call(*arguments)[2]


def test_showing_a_damaged_run_says_so(there, call):
    run = there.runs()[0]
    (run.path / "rows.csv").write_bytes(b"")
    code, _, err = call("show", run.key)
    assert code == 2
    assert f"the run {run.key} is damaged: " in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.txt"], "expected a name that ends in .csv or .parquet"),
        (["x.csv", "depth=5"], "no run fits"),
        (["a.csv"], "is a folder"),
        (["file/x.csv"], "Not a directory|File exists"),
    ],
)
def test_an_export_that_cannot_be_is_refused(arguments, said, call, tmp_path):
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    code, _, err = call("export", str(tmp_path / arguments[0]), *arguments[1:])
    assert code == 2
    assert any(part in err for part in said.split("|"))
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "file", "s"]


def test_a_run_that_breaks_in_between_leaves_no_half_export(there, tmp_path):
    runs = there.runs()
    (runs[-1].path / "rows.csv").write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        export(runs, tmp_path / "x.csv")
    assert os.listdir(tmp_path) == ["s"]


# ---- cleaning -----------------------------------------------------------------------------------
def test_clean_removes_what_it_says_and_nothing_else(there, call, monkeypatch):
    keys = [run.key for run in there.runs()]  # those of depth 4 come first
    (there.runs_path / keys[0] / "DONE").unlink()
    old, new = (there.runs_path / store._temporary("minires") for _ in range(2))
    for path in (old, new):
        path.mkdir()
    os.utime(old, (0, 0))
    assert "1 of 12 runs are damaged and left out" in call("list")[2]
    code, out, err = call("clean")
    assert code == 2
    assert "damaged: 1" in out
    assert "unfinished: 1" in out
    assert "Say --yes" in err
    assert old.exists()
    assert "removed 2; 11 whole runs stay" in call("clean", "--yes")[1]
    assert sorted(os.listdir(there.runs_path)) == sorted([new.name, *keys[1:]])
    assert "nothing to remove" in call("clean", "--yes")[1]
    assert "nothing to remove" in call("clean", "--other-code", "--yes")[1]
    assert "removed 5" in call("clean", "--matching", "depth=4", "skip=none,identity", "--yes")[1]
    monkeypatch.setattr("minires.store.version.code", lambda *_: "0123456789ab")
    assert "of other code: 3" in call("clean", "--other-code", "skip=none", "--yes")[1]
    assert len(there.runs()) == 3


def test_clean_refuses_what_is_ambiguous(call):
    assert "say --matching" in call("clean", "depth=4", "--yes")[2]
    assert "say which runs" in call("clean", "--matching", "--yes")[2]


def test_a_store_that_is_not_there_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path, said in (("none", "there is no store in"), ("file", "is a file, and a store")):
        assert main(["runs", "list", "--store", str(tmp_path / path)]) == 2
        assert said in capsys.readouterr().err
    (tmp_path / "runs").mkdir()
    assert main(["runs", "list", "--store", str(tmp_path)]) == 0
    assert "no run" in capsys.readouterr().out
