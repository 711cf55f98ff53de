"""What check mode's profile and coverage mode count."""

import numpy as np
import pytest

from minires_emulator import RawModule, check, compiler, coverage

CODE = r"""
template <int PITCH> __global__ void transpose(const float* x, float* y) {
    __shared__ float tile[32][PITCH];
    const int row = threadIdx.x / 32, column = threadIdx.x % 32;
    for (int i = 0; i < 32; i += 8)
        tile[row + i][column] = x[(row + i) * 32 + column];
    __syncthreads();
    for (int i = 0; i < 32; i += 8)
        y[(row + i) * 32 + column] = tile[column][row + i];
}
extern "C" __global__ void strided(const float* x, float* y, int stride) {
    y[threadIdx.x] = x[threadIdx.x * stride];
}
extern "C" __global__ void vectors(const float4* x, float4* y) {
    const float4 v = x[threadIdx.x];
    y[threadIdx.x] = make_float4(v.w, v.z, v.y, v.x);
}
extern "C" __global__ void broadcast(const float* x, float* y) {
    __shared__ float one;
    if (threadIdx.x == 0) one = x[0];
    __syncthreads();
    y[threadIdx.x] = one + x[5];
}
template <class T> __device__ T clamp(T v) {
    if (v < 0)
        return 0;
    if (v > 100)
        return 100;
    return v;
}
template <class T> __global__ void clamp_all(T* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (int k = 0; k < 3; k++)
        y[i] = clamp(y[i]);
    if (n > 3 && i == 0) y[i] += 0;
    auto unused = [&] {
        y[i] = 7;
    };
    if (n > 1000)
        unused();
    __syncwarp(__ballot_sync(~0u, 1));
}
"""
MODULE = RawModule(
    CODE,
    name_expressions=["transpose<32>", "transpose<33>", "clamp_all<float>", "clamp_all<int>"],
)
f4 = np.float32


def line_of(text):
    (line,) = [i for i, s in enumerate(CODE.splitlines(), 1) if text in s]
    return line


STORE, LOAD = line_of("tile[row + i][column]"), line_of("tile[column]")


@pytest.mark.parametrize(("pitch", "conflicts"), [(32, 32), (33, 1)])
def test_bank_conflicts(pitch, conflicts):
    x = np.arange(1024, dtype=f4)
    with check(profile=True) as session:
        kernel = MODULE.get_function(f"transpose<{pitch}>")
        kernel((1,), (256,), (x, y := np.zeros_like(x)))
    assert (y.reshape(32, 32) == x.reshape(32, 32).T).all()
    found = {(r.line, r.space, r.access): (r.requests, r.ratio) for r in session.profile}
    assert found == {
        (STORE, "global", "load"): (32, 1),
        (STORE, "shared", "store"): (32, 1),
        (LOAD, "shared", "load"): (32, conflicts),
        (LOAD, "global", "store"): (32, 1),
    }
    assert {r.file for r in session.profile} == {"kernel.cu"}


@pytest.mark.parametrize(("stride", "sectors"), [(1, 1), (2, 2), (4, 4), (8, 8), (32, 8)])
def test_coalescing(stride, sectors):
    line = line_of("threadIdx.x * stride")
    x, y = np.zeros(64 * 32, f4), np.zeros(64, f4)
    with check(profile=True) as session:
        MODULE.get_function("strided")((1,), (64,), (x, y, np.int32(stride)))
    ratios = {r.access: (r.line, r.ratio) for r in session.profile}
    assert ratios == {"load": (line, sectors), "store": (line, 1)}


@pytest.mark.skipif("clang" in compiler(), reason="clang loads the four numbers one by one")
def test_vectors_are_moved_at_once():
    with check(profile=True) as session:
        MODULE.get_function("vectors")((1,), (64,), (np.zeros(256, f4), np.zeros(256, f4)))
    assert [(r.requests, r.ratio) for r in session.profile] == [(2, 1), (2, 1)]


def test_lanes_that_read_one_word_share_it():
    with check(profile=True) as session:
        for _ in range(3):
            MODULE.get_function("broadcast")((1,), (64,), (np.zeros(9, f4), np.zeros(64, f4)))
    one = [r for r in session.profile if r.space == "shared" and r.access == "load"]
    assert [(r.requests, r.ratio) for r in one] == [(6, 1)]  # 3 launches of 2 warps


def test_no_profile_unless_asked_for():
    with check() as session:
        MODULE.get_function("vectors")((1,), (64,), (np.zeros(256, f4), np.zeros(256, f4)))
    assert session.profile == ()


def test_coverage():
    y = np.array([-1, 50, 200, 7, -3], f4)
    with coverage() as lines:
        MODULE.get_function("clamp_all<float>")((2,), (4,), (y, np.int32(5)))
        ints = np.array([-5, 6], np.int32)
        MODULE.get_function("clamp_all<int>")((1,), (2,), (ints, np.int32(2)))
    assert y.tolist() == [0, 50, 100, 7, 0]
    assert list(lines) == ["kernel.cu"]
    counted = lines["kernel.cu"]
    for text, times in {
        "const int i = blockIdx": 10,
        "for (int k": 4 * 7,
        "y[i] = clamp(y[i]);": 3 * 7,
        "if (v < 0)": 3 * 7,
        "return 0;": 3,  # the first of the three times, then they are 0
        "if (v > 100)": 18,
        "return 100;": 1,
        "return v;": 17,
        "y[i] = 7;": 0,
        "unused();": 0,
        "__syncwarp": 7,
        "if (n > 3 && i == 0)": 7,  # of the parts of a line the one that ran most
        "x[threadIdx.x * stride]": 0,  # in no kernel that ran
    }.items():
        assert counted[line_of(text)] == times, text
    assert line_of("__shared__ float tile") not in counted  # no code there
    assert max(counted) <= len(CODE.splitlines())


def test_coverage_counts_barriers_and_early_returns_right():
    with coverage() as lines:
        MODULE.get_function("transpose<33>")((1,), (256,), (np.zeros(1024, f4), np.zeros(1024, f4)))
    counted = lines["kernel.cu"]
    assert counted[STORE] == counted[LOAD] == 4 * 256
    assert counted[STORE + 1] == 256
    assert counted[line_of("for (int k")] == 0


def test_coverage_starts_afresh():
    for _ in range(2):
        with coverage() as lines:
            MODULE.get_function("vectors")((1,), (8,), (np.zeros(32, f4), np.zeros(32, f4)))
        assert lines["kernel.cu"][line_of("const float4 v")] == 8
