"""Inputs that are written on a command line, or come from an .npz file."""

import numpy as np
import pytest

from minires.gradcheck import given


def test_shapes_are_normal_numbers_by_name():
    found = given.from_text("x=(2,3) w = (4,), v=(5) s=()", seed=1)
    assert [found[name].shape for name in "xwvs"] == [(2, 3), (4,), (5,), ()]
    assert all(a.dtype == np.float64 for a in found.values())
    again = given.from_text("u=(7,) x=(2,3)", seed=1)
    assert np.array_equal(again["x"], found["x"])  # whatever stands beside it
    assert not np.array_equal(given.from_text("x=(2,3)", seed=2)["x"], found["x"])
    assert not np.array_equal(given.from_text("z=(2,3)", seed=1)["z"], found["x"])


def test_other_values():
    found = given.from_text(
        "p=positive(50) u=uniform(2,2) y=int(60)<4 m=bool(40) z=zeros(2) o=ones(2,2) "
        "eps=1e-5 n=-3 t=True mode='a b=c' stride=tuple(2,1) a=[1.5, 2] k=[[0, 1]] "
        "far=1e6 + 10*(3) params={'w': (3,4), 'b': zeros(4)}"
    )
    assert found["p"].min() >= 0.5
    assert found["p"].max() <= 2
    assert 0 < found["u"].min() <= found["u"].max() < 1
    assert found["y"].dtype.kind == "i"
    assert set(found["y"]) == {0, 1, 2, 3}
    assert found["m"].dtype == bool
    assert found["z"].tolist() == [0, 0]
    assert found["o"].shape == (2, 2)
    plain = [found[name] for name in ("eps", "n", "t", "mode", "stride")]
    assert plain == [1e-5, -3, True, "a b=c", (2, 1)]
    assert found["a"].tolist() == [1.5, 2]
    assert found["k"].dtype.kind == "i"
    assert abs(found["far"] - 1e6).max() < 100
    assert {k: v.shape for k, v in found["params"].items()} == {"w": (3, 4), "b": (4,)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected NAME=VALUE"),
        ("(2,3)", "expected NAME=VALUE"),
        ("x=(2,3", "a bracket or a quotation mark is not closed"),
        ("x=(2,3) x=(3)", "x is given twice"),
        ("x=(2,-3)", r"whole numbers, got \(2, -3\)"),
        ("x=(2.5,)", "whole numbers"),
        ("y=int(6)", r"int\(6\)<4"),
        ("mode=same", "in quotes: 'same'"),
        ("x=__import__('os')", "no shape, number, text"),
        ("x=open('f').read()", "no shape, number, text"),
        ("x=1/0", "division by zero"),
        ("x=", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        given.from_text(text)


def test_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.ones((2, 3)), eps=1e-5, mode="same")
    found = given.from_npz(path)
    assert found["x"].shape == (2, 3)
    assert found["eps"] == 1e-5
    assert found["mode"] == "same"


def test_npz_is_not_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match=r"a\.npz: x holds Python objects"):
        given.from_npz(path)
    np.save(tmp_path / "b.npy", np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match=r"b\.npy"):
        given.from_npz(tmp_path / "b.npy")


def test_npz_that_is_none(tmp_path):
    (tmp_path / "text.npz").write_text("hello", encoding="utf-8")
    np.save(tmp_path / "one.npy", np.ones(3))
    for name, message in [
        ("text.npz", "no .npz file of arrays"),
        ("one.npy", "without a name"),
        ("none.npz", "there is no file"),
    ]:
        with pytest.raises(ValueError, match=message):
            given.from_npz(tmp_path / name)
