"""What check mode's profile counts."""

import numpy as np
import pytest

from minires_emulator import RawModule, check, compiler

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
"""
MODULE = RawModule(CODE, name_expressions=["transpose<32>", "transpose<33>"])
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
