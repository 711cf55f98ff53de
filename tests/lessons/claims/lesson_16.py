"""What lesson 16 states, asserted on what its script measures; of times, what no noise turns."""

import numpy as np
import pytest

NUMBERS = {
    "6": "definition: six products by hand; 6×6 tiles; 5 + 1, written by one of two threads",
    "7": "setting: rows of an odd image; 5 + 2, written by the other thread",
    "512": "setting: the most channels of exercise 16.8, 2**9",
    "18": "computed by hand: nine products and nine additions of a depthwise filter",
    "11": "setting: channels of a case in minires_kernels/reference/conv2d.py",
    "19": "setting: filters of a case in minires_kernels/reference/conv2d.py",
    "9": "setting: columns of a case in minires_kernels/reference/conv2d.py",
    "64": "setting: channels of a tile; bytes of a line of a cache on common processors",
}


def claims(n):
    assert n["costs"](1, 1, 4, 1, 3, 1, 0) == (2, 72, 116)
    assert n["costs"](1, 16, 32, 16, 3, 1, 1)[1] == 4_718_592  # the three stages are alike
    assert len({n["costs"](1, c, size, c, 3, 1, 1)[1] for c, size in n["STAGES"]}) == 1
    rows = n["im2col"](np.arange(1.0, 10).reshape(1, 1, 3, 3), 2, 1, 0)
    assert rows.tolist() == [[1, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]]
    assert n["roof"](n["FLOPS"], n["BYTES"], n["PEAK"], n["BANDWIDTH"]) == (n["ROOF"], n["BOUND"])
    assert n["tried"] == {16: 8, 7: 3}
    assert len(n["windows"](np.ones((7, 7)), 3, 2)) == 4
    assert n["ONE"] == pytest.approx(9 * n["THREE"])
    assert n["FLOPS"] / n["moved"] < n["FLOPS"] / n["BYTES"] / 5  # im2col moves far more
    assert max(n["numpy_errors"]) < 1e-5
    winograd(n)
    times(n)
    if n["COMPILED"]:
        assert not n["why_not"]
        assert max(n["compiled_errors"].values()) < 1e-5
        assert n["version_errors"]["v3"] < n["version_errors"]["v4"] < 1e-4
        assert n["same"]


def winograd(n):
    """The matrices are right (one tile, exactly), and errors grow as the text says."""
    d, g = np.array([1.0, 2, 3, 5]), np.array([2.0, 1, 3])
    at, gs, bt = n["winograd"](2)
    assert at @ ((gs @ g) * (bt @ d)) == pytest.approx([13, 22])
    found = n["tile_errors"]
    assert {m: n["products"](m, 3) for m in found} == {2: (36, 16), 4: (144, 36), 6: (324, 64)}
    assert found[2][:, 0].max() < found[4][:, 0].min()  # over the seeds
    assert n["worse"][2] < 4 < n["worse"][4] < 100
    assert n["worse"][4] < n["worse"][6] * 1.5


def times(n):
    """Orders of magnitude: an interpreter is slower than NumPy, and that than registers."""
    medians = n["medians"]
    assert n["factor"] > 20
    assert medians["NumPy, nine products"] > 5 * medians["loops in Python"]
    if n["COMPILED"]:
        assert medians["compiled, channels first"] > 10 * medians["loops in Python"]
        assert medians["v3"] > 2 * medians["v1"]


def headline(n):
    return {
        "what": "speed of one layer, Python's loops and the fastest version, one core (GFLOP/s)",
        "measured": f"{n['medians']['loops in Python']:.4f}; {n['medians'][n['fastest']]:.0f}",
        "reference": f"roofline: {n['ROOF'] / 1e9:.0f} GFLOP/s, {n['BOUND']}-bound",
        "verdict": f"a factor of {n['rounded'](n['factor'])}; "
        f"{100 * n['medians'][n['fastest']] * 1e9 / n['ROOF']:.0f} % of the roof",
    }
