"""What lesson 17 states, asserted on what the emulator counts: the same on every machine."""

import math

import numpy as np

NUMBERS = {
    "1000": "setting: elements of the first launch",
    "7": "the report of the first launch: block of element 1000",
    "104": "the report of the first launch: thread of element 1000",
    "12": lambda n: 4 * n["plan"](10, 4)[0],
    "20": "setting: TFLOP/s of the last exercise, 20e12 in the code",
    **dict.fromkeys(("6", "9", "10", "14", "31"), "the sum of 8 parts by hand: see claims"),
    "256": "definition: 16 × 16 threads",
    "48": "limit of CUDA: KiB of shared memory of a block that does not ask for more",
}


def claims(n):
    assert n["plan"](10, 4) == (3, 2, 2, 1)
    assert n["plan"](1000, 128)[2:] == (7, 103)
    assert "block (7,0,0) thread (104,0,0)" in n["unguarded"].report
    assert "element 1000 of x" in n["unguarded"].report
    assert n["luck"] < 1e-6  # the racing kernel passes a test of numbers
    assert "read/write race" in n["race"].report
    assert all((np.array(c) == np.array(c)[0]).all() for c in n["counted"].values())  # any order
    assert n["sectors"] == {s: min(s, 8) for s in n["STRIDES_TRIED"]}
    assert n["turns"] == {s: math.gcd(s, 32) for s in n["STRIDES_TRIED"]}
    assert all(n["agree"])
    assert (n["before"], n["after"]) == (4, 1)
    assert max(r.ratio for r in n["conflicts"].profile) == 32
    assert n["conflicts"].profile[-1].ratio == 32  # "the last line of the table"
    assert n["fewer"] == 16
    assert n["difference"] < 1e-4
    assert n["T"] == 128
    part = [3, 1, 4, 1, 5, 9, 2, 6]
    for half, row in ((4, [8, 10, 6, 7]), (2, [8, 10, 14, 17]), (1, [8, 10, 14, 31])):
        part = [v + (part[t - half] if t >= 8 - half else 0) for t, v in enumerate(part)]
        assert part == [3, 1, 4, 1, *row]


def headline(n):
    return {
        "what": f"sectors a warp moves at a stride of {n['last']} floats, times the least possible",
        "measured": f"{n['sectors'][n['last']]:g}; {n['turns'][n['last']]:g} turns at a bank",
        "reference": f"{n['SECTOR']} / 4 = {n['SECTOR'] // 4}; gcd(stride, 32)",
        "verdict": "agree at each stride; a racing kernel passes a test of numbers "
        f"({n['luck']:.0e}) and is found in one run",
    }
