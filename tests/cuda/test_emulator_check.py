"""Check mode: each fault is found, at its line, and the repaired kernel draws no report."""

import numpy as np
import pytest

from minires_emulator import KernelFault, RawModule, check, compiler

# Each pair: `name` has a fault in the line marked FAULT, `name_fixed` has not.
KERNELS = r"""
#define KERNEL(name) extern "C" __global__ void name(const float* x, float* y)
// ---- races in shared memory
template <bool FIXED> __device__ void sum_pairs(const float* x, float* y) {
    __shared__ float part[64];
    part[threadIdx.x] = x[threadIdx.x];
    if (FIXED) __syncthreads();
    y[threadIdx.x] = part[threadIdx.x] + part[63 - threadIdx.x];  // FAULT missing_barrier
}
KERNEL(missing_barrier) { sum_pairs<false>(x, y); }
KERNEL(missing_barrier_fixed) { sum_pairs<true>(x, y); }

template <bool FIXED> __device__ void use_twice(const float* x, float* y) {
    __shared__ float part[64];
    for (int round = 0; round < 3; round++) {
        part[threadIdx.x] = x[threadIdx.x] + round;  // FAULT read_then_write
        __syncthreads();
        y[threadIdx.x] = part[63 - threadIdx.x];
        if (FIXED) __syncthreads();
    }
}
KERNEL(read_then_write) { use_twice<false>(x, y); }
KERNEL(read_then_write_fixed) { use_twice<true>(x, y); }

KERNEL(all_write) {
    __shared__ float mean;
    mean = x[0];  // FAULT all_write
    __syncthreads();
    y[threadIdx.x] = mean;
}
KERNEL(all_write_fixed) {
    __shared__ float mean;
    if (threadIdx.x == 0) mean = x[0];
    __syncthreads();
    y[threadIdx.x] = mean;
}

// Lanes of one warp: a shuffle does not order memory, __syncwarp does.
template <bool FIXED> __device__ void within_warp(const float* x, float* y) {
    __shared__ float part[64];
    part[threadIdx.x] = x[threadIdx.x];
    if (FIXED) __syncwarp(); else __shfl_sync(0xffffffffu, 1, 0);
    y[threadIdx.x] = part[threadIdx.x ^ 1];  // FAULT missing_syncwarp
}
KERNEL(missing_syncwarp) { within_warp<false>(x, y); }
KERNEL(missing_syncwarp_fixed) { within_warp<true>(x, y); }

// Half a warp: what lane 0 stored reaches lane 2 by way of lane 1, but not lane 3 of the others.
template <bool FIXED> __device__ void passed_on(const float* x, float* y) {
    __shared__ float part[64];
    const int lane = threadIdx.x % 32;
    if (threadIdx.x < 32) {
        if (lane == 0) part[0] = x[0];
        if (lane < 2) __syncwarp(0x3);
        if (lane == 1 || lane == 2) __syncwarp(0x6);
        if (lane == (FIXED ? 2 : 3)) y[0] = part[0];  // FAULT partial_syncwarp
    }
}
KERNEL(partial_syncwarp) { passed_on<false>(x, y); }
KERNEL(partial_syncwarp_fixed) { passed_on<true>(x, y); }

// Bytes side by side are not the same memory.
KERNEL(bytes) {
    __shared__ unsigned char flags[64];
    flags[threadIdx.x / 2] = 1;  // FAULT bytes
    __syncthreads();
    y[threadIdx.x] = flags[threadIdx.x / 2];
}
KERNEL(bytes_fixed) {
    __shared__ unsigned char flags[64];
    flags[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = flags[63 - threadIdx.x];
}

// A byte of a word that another thread wrote as a whole.
template <bool FIXED> __device__ void one_word(float* y) {
    __shared__ int words[64];
    words[threadIdx.x] = 0x01020304;
    if (FIXED) __syncthreads();
    y[threadIdx.x] = ((const char*)words)[4 * (63 - threadIdx.x) + 2];  // FAULT byte_of_word
}
KERNEL(byte_of_word) { one_word<false>(y); }
KERNEL(byte_of_word_fixed) { one_word<true>(y); }

KERNEL(plain_and_atomic) {
    __shared__ int count;
    if (threadIdx.x == 0) count = 0;
    atomicAdd(&count, 1);  // FAULT plain_and_atomic
    __syncthreads();
    y[threadIdx.x] = count;
}
KERNEL(plain_and_atomic_fixed) {
    __shared__ int count;
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    atomicAdd(&count, 1);
    __syncthreads();
    y[threadIdx.x] = count;
}

// ---- races in global memory
KERNEL(blocks_write) {
    if (threadIdx.x == 0) y[0] = x[0];  // FAULT blocks_write
}
KERNEL(blocks_write_fixed) {
    if (threadIdx.x == 0) y[blockIdx.x] = x[0];
}
KERNEL(in_place) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i + 1 < 128) y[i] = y[i + 1];  // FAULT in_place
}
KERNEL(in_place_fixed) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i + 1 < 128) y[i] = x[i + 1];
}
__device__ int counter;
KERNEL(variable) {
    counter = counter + 1;  // FAULT variable
}
KERNEL(variable_fixed) { atomicAdd(&counter, 1); }

// ---- memory
KERNEL(beyond_global) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= 128 && i != 5) y[i < 127 ? i : i + 1] = x[i % 128];  // FAULT beyond_global
}
KERNEL(beyond_global_fixed) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < 128) y[i] = x[i];
}
KERNEL(before_global) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i - 1];  // FAULT before_global
}
KERNEL(before_global_fixed) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = i > 0 ? x[i - 1] : 0.0f;
}
template <int SIZE> __device__ void shared_index(float* y) {
    __shared__ float part[SIZE], other[64];
    other[threadIdx.x] = 1;
    part[threadIdx.x] = 1;  // FAULT beyond_shared
    __syncthreads();
    y[threadIdx.x] = part[threadIdx.x] + other[threadIdx.x];
}
KERNEL(beyond_shared) { shared_index<32>(y); }
KERNEL(beyond_shared_fixed) { shared_index<64>(y); }

// By a pointer, where the compiler knows no bound: the arrays lie apart.
__device__ __noinline__ void store(float* p, int i) {
    p[i] = 1;  // FAULT beyond_shared_pointer
}
template <int SIZE> __device__ void shared_pointer(float* y) {
    __shared__ float first[32], part[SIZE], last[32];
    if (threadIdx.x < 32) store(first, threadIdx.x), store(last, threadIdx.x);
    store(part, threadIdx.x);
    __syncthreads();
    y[threadIdx.x] = first[threadIdx.x % 32] + last[threadIdx.x % 32];
}
KERNEL(beyond_shared_pointer) { shared_pointer<32>(y); }
KERNEL(beyond_shared_pointer_fixed) { shared_pointer<64>(y); }

template <int SHIFT> __device__ void dynamic(float* y) {
    extern __shared__ __align__(16) float buffer[];
    buffer[threadIdx.x + SHIFT] = 1;  // FAULT beyond_dynamic
    __syncthreads();
    y[threadIdx.x] = buffer[63 - threadIdx.x + SHIFT];
}
KERNEL(beyond_dynamic) { dynamic<65>(y); }
KERNEL(beyond_dynamic_fixed) { dynamic<64>(y); }

template <int SIZE> __device__ void row(const float* x, float* y) {
    __shared__ float tile[2][SIZE];
    tile[0][threadIdx.x] = x[threadIdx.x];  // FAULT inner_index
    __syncthreads();
    y[threadIdx.x] = tile[0][63 - threadIdx.x];
}
KERNEL(inner_index) { row<48>(x, y); }
KERNEL(inner_index_fixed) { row<64>(x, y); }

template <int SIZE> __device__ void local_array(const float* x, float* y) {
    float own[SIZE];
    for (int i = 0; i < 4; i++) own[i] = x[i];  // FAULT local_index
    y[threadIdx.x] = own[threadIdx.x % 4];
}
KERNEL(local_index) { local_array<3>(x, y); }
KERNEL(local_index_fixed) { local_array<4>(x, y); }

KERNEL(unwritten) {
    __shared__ float part[64];
    if (threadIdx.x < 63) part[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = part[threadIdx.x];  // FAULT unwritten
}
KERNEL(unwritten_fixed) {
    __shared__ float part[64];
    part[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = part[threadIdx.x];
}
KERNEL(write_const) {
    if (threadIdx.x + blockIdx.x == 0) const_cast<float*>(x)[3] = 1;  // FAULT write_const
}
KERNEL(write_const_fixed) {
    if (threadIdx.x + blockIdx.x == 0) y[3] = x[3];
}
template <int SHIFT> __device__ void vector_load(const float* x, float* y) {
    const float4 v = *(const float4*)(x + SHIFT);  // FAULT misaligned
    if (threadIdx.x + blockIdx.x == 0) y[0] = v.x + v.y + v.z + v.w;
}
KERNEL(misaligned) { vector_load<1>(x, y); }
KERNEL(misaligned_fixed) { vector_load<4>(x, y); }

KERNEL(wild) {
    y[threadIdx.x + (1ll << 40)] = 1;  // FAULT wild
}
KERNEL(wild_fixed) { }
KERNEL(others_stack) {
    __shared__ const float* where;
    const float own[2] = {x[0], x[1]};
    if (threadIdx.x == 0) where = own;
    __syncthreads();
    y[threadIdx.x] = where[threadIdx.x % 2];  // FAULT others_stack
}
KERNEL(others_stack_fixed) { }

// ---- waiting
KERNEL(two_barriers) {
    if (threadIdx.x < 32)
        __syncthreads();  // FAULT two_barriers
    else
        __syncthreads();
}
KERNEL(two_barriers_fixed) { __syncthreads(); }
KERNEL(some_left) {
    if (threadIdx.x >= 40) return;
    __syncthreads();  // FAULT some_left
}
KERNEL(some_left_fixed) {
    const bool active = threadIdx.x < 40;
    __syncthreads();
    if (active) y[threadIdx.x] = 1;
}
KERNEL(lanes_missing) {
    if (threadIdx.x % 32 < 16)
        y[threadIdx.x] = __shfl_down_sync(0xffffffffu, x[threadIdx.x], 1);  // FAULT lanes_missing
    __syncthreads();
}
KERNEL(lanes_missing_fixed) {
    if (threadIdx.x % 32 < 16) y[threadIdx.x] = __shfl_down_sync(0xffffu, x[threadIdx.x], 1, 16);
    __syncthreads();
}
KERNEL(not_named) {
    y[threadIdx.x] = __shfl_sync(0xffffu, x[threadIdx.x], 0);  // FAULT not_named
}
KERNEL(not_named_fixed) {
    if (threadIdx.x % 32 < 16) y[threadIdx.x] = __shfl_sync(0xffffu, x[threadIdx.x], 0);
}
KERNEL(other_half) {
    if (threadIdx.x % 32 < 16)
        y[threadIdx.x] = __shfl_xor_sync(0xffffu, x[threadIdx.x], 16);  // FAULT other_half
}
KERNEL(other_half_fixed) {
    const int half = threadIdx.x % 32 / 16;
    y[threadIdx.x] = __shfl_xor_sync(0xffffu << 16 * half, x[threadIdx.x], 8);
}
KERNEL(different_intrinsics) {
    if (threadIdx.x % 2) y[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
    else y[threadIdx.x] = __ballot_sync(0xffffffffu, 1);  // FAULT different_intrinsics
}
KERNEL(different_intrinsics_fixed) {
    const int a = __shfl_sync(0xffffffffu, 1, 0), b = __ballot_sync(0xffffffffu, 1);
    y[threadIdx.x] = threadIdx.x % 2 ? a : b;
}

// ---- other faults
KERNEL(trap) {
    if (threadIdx.x == 7) __trap();  // FAULT trap
}
KERNEL(trap_fixed) {
    if (threadIdx.x == 77) __trap();
}
KERNEL(assertion) {
    assert(threadIdx.x < 63);  // FAULT assertion
}
KERNEL(assertion_fixed) { assert(threadIdx.x < 64); }
KERNEL(divide) {
    y[threadIdx.x] = 100 / (int)(threadIdx.x - blockDim.x / 2);  // FAULT divide
}
KERNEL(divide_fixed) { y[threadIdx.x] = 100 / (int)(threadIdx.x + 1); }
__device__ __noinline__ int deep(int n, const float* x) {  // FAULT stack
    volatile float own[256];
    own[n % 256] = x[0];
    return n == 0 ? (int)own[0] : 1 + deep(n - 1, x);
}
KERNEL(stack) { if (threadIdx.x == 0) y[blockIdx.x] = deep(100000, x); }
KERNEL(stack_fixed) { if (threadIdx.x == 0) y[blockIdx.x] = deep(100, x); }
KERNEL(endless) {
    volatile int i = 0;
    while (i >= 0) i = i & 1;  // FAULT endless
}
KERNEL(endless_fixed) { }
"""

# The kind of report that each must draw, among others perhaps (a race is a read of old values too).
FAULTS = {
    "missing_barrier": "read/write race",
    "read_then_write": "read/write race",
    "all_write": "write/write race",
    "missing_syncwarp": "read/write race",
    "partial_syncwarp": "read/write race",
    "bytes": "write/write race",
    "byte_of_word": "read/write race",
    "plain_and_atomic": "write/write race",
    "blocks_write": "write/write race",
    "in_place": "read/write race",
    "variable": "race",
    "beyond_global": "out-of-bounds access",
    "before_global": "out-of-bounds access",
    "beyond_shared": "out-of-bounds access",
    "beyond_shared_pointer": "out-of-bounds access",
    "beyond_dynamic": "out-of-bounds access",
    "inner_index": "out-of-bounds access",
    "local_index": "out-of-bounds access",
    "unwritten": "read of memory that nobody wrote",
    "write_const": "write to a const argument",
    "misaligned": "misaligned access",
    "wild": "access to no array's memory",
    "others_stack": "out-of-bounds access",
    "two_barriers": "divergent __syncthreads",
    "some_left": "divergent __syncthreads",
    "lanes_missing": "warp intrinsic with missing lanes",
    "not_named": "warp intrinsic with missing lanes",
    "other_half": "warp intrinsic with missing lanes",
    "different_intrinsics": "warp intrinsic with missing lanes",
    "trap": "trap",
    "assertion": "trap",
    "divide": "integer division by zero",
    "stack": "stack overflow",
    "endless": "time limit",
}

MODULE = RawModule(KERNELS, name_expressions=[*FAULTS, *(f"{name}_fixed" for name in FAULTS)])


def line_of(mark):
    (line,) = [i for i, s in enumerate(KERNELS.splitlines(), 1) if s.endswith(f"// FAULT {mark}")]
    return line


def launch(name, order):
    x, y = np.arange(128, dtype=np.float32), np.zeros(128, np.float32)
    grid = (2,) if name.startswith(("blocks_", "in_place", "beyond_global", "before_")) else (1,)
    shared = 512 if "dynamic" in name else 0
    with check(order=order) as session:
        MODULE.get_function(name)(grid, (64,), (x, y), shared_mem=shared)
    return session


@pytest.mark.parametrize("order", [0, 1, 7])
@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(name, order, monkeypatch):
    if name == "misaligned" and "clang" in compiler():
        pytest.skip("clang does not check the alignment of what is copied as a whole")
    monkeypatch.setenv("MINIRES_EMULATOR_LIMIT", "0.5")
    with pytest.raises(KernelFault) as caught:
        launch(name, order)
    reports = caught.value.reports
    found = [r for r in reports if r.kind.endswith(FAULTS[name])]
    places = [p for r in found for p in (r.first, r.second) if p is not None]
    assert ("kernel.cu", line_of(name)) in [(p.file, p.line) for p in places], caught.value
    assert str(reports[0]) in str(caught.value)
    assert {r.kernel for r in reports} == {name}


@pytest.mark.parametrize("order", [0, 1, 7])
@pytest.mark.parametrize("name", FAULTS)
def test_repaired_kernel_draws_no_report(name, order):
    session = launch(f"{name}_fixed", order)
    assert len(session.launches) == 1
