"""The race detector against an oracle: random programs, and what happens-before says of them.

One kernel runs any program: a table of what each thread does in each step. All threads meet at
__syncthreads after some steps, some lanes at __syncwarp after others.
"""

import itertools

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minires_emulator import KernelFault, RawModule, check

CODE = r"""
enum { NONE, READ, WRITE, ATOMIC };
template <class Cells> __device__ void run(const int* program, int steps, Cells cells, int* sink) {
    const int actor = threadIdx.x < 3 ? threadIdx.x : threadIdx.x == 32 ? 3 : -1;
    for (int i = 0; i < steps; i++) {
        const int* row = program + ((blockIdx.x * steps + i) * 5);
        if (actor >= 0) {
            const int what = row[actor] / 2, cell = row[actor] % 2;
            if (what == READ) sink[blockIdx.x * 64 + threadIdx.x] += cells[cell];
            if (what == WRITE) cells[cell] = i;
            if (what == ATOMIC) atomicAdd(&cells[cell], 1);
        }
        const unsigned meet = row[4];
        if (meet == 8) __syncthreads();
        else if (threadIdx.x < 3 && meet >> threadIdx.x & 1) __syncwarp(meet);
    }
}
extern "C" __global__ void in_shared(const int* program, int steps, int* cells, int* sink) {
    __shared__ int mine[2];
    run(program, steps, mine, sink);
}
extern "C" __global__ void in_global(const int* program, int steps, int* cells, int* sink) {
    run(program, steps, cells, sink);
}
"""
MODULE = RawModule(CODE)
ACTORS, NONE, READ, WRITE, ATOMIC = 4, 0, 1, 2, 3

# A step: what each actor does (operation and cell), and who meets then: 8 the block, else lanes.
operations = st.builds(lambda what, cell: 2 * what + cell, st.integers(0, 3), st.integers(0, 1))
steps = st.tuples(*[operations] * ACTORS, st.sampled_from([0, 0, 3, 5, 6, 7, 8]))
programs = st.lists(st.tuples(steps, steps), min_size=1, max_size=6)  # of two blocks
IDLE = (0, 0, 0, 0, 0)
# Lane 0 writes; lane 1 hears of it, then lane 2 by lane 1; lane 2 reads.
PASSED_ON = [((4, 0, 0, 0, 3), IDLE), ((0, 0, 0, 0, 6), IDLE), ((0, 0, 2, 0, 0), IDLE)]
# Two lanes read; the later of them writes.
READ_BY_TWO = [((2, 2, 0, 0, 0), IDLE), ((0, 4, 0, 0, 0), IDLE)]


def has_race(program, blocks, shared):
    """Whether two accesses conflict that nothing orders, by vector clocks."""
    accesses = []
    for b in range(blocks):
        clocks = np.zeros((ACTORS, ACTORS), int)  # what each actor knows of each
        for step in (pair[b] for pair in program):
            for actor in range(ACTORS):
                clocks[actor, actor] += 1
                what, cell = divmod(step[actor], 2)
                if what:
                    accesses.append((b, actor, what, cell, clocks[actor].copy()))
            meeting = [a for a in range(ACTORS) if step[4] == 8 or (a < 3 and step[4] >> a & 1)]
            if meeting:
                clocks[meeting] = clocks[meeting].max(0)
    for (b1, a1, w1, c1, k1), (b2, a2, w2, c2, k2) in itertools.combinations(accesses, 2):
        if c1 != c2 or w1 == w2 == READ or w1 == w2 == ATOMIC:
            continue
        if b1 != b2:
            if not shared:
                return True
        elif a1 != a2 and k2[a1] < k1[a1] and k1[a2] < k2[a2]:
            return True
    return False


def found_race(name, program, blocks, order):
    table = np.array([[pair[b] for pair in program] for b in range(blocks)], np.int32)
    args = (table, np.int32(len(program)), np.zeros(2, np.int32), np.zeros(128, np.int32))
    try:
        with check(order=order):
            MODULE.get_function(name)((blocks,), (64,), args)
    except KernelFault as fault:
        kinds = {r.kind for r in fault.reports}
        assert kinds <= {"read/write race", "write/write race", "read of memory that nobody wrote"}
        return any("race" in kind for kind in kinds)
    return False


@settings(max_examples=4 * settings.default.max_examples)
@given(programs, st.integers(1, 2), st.integers(0, 5))
@example(PASSED_ON, 1, 0)
@example(READ_BY_TWO, 1, 0)
def test_shared_memory(program, blocks, order):
    assert found_race("in_shared", program, blocks, order) == has_race(program, blocks, True)


@settings(max_examples=4 * settings.default.max_examples)
@given(programs, st.integers(1, 2), st.integers(0, 5))
def test_global_memory(program, blocks, order):
    assert found_race("in_global", program, blocks, order) == has_race(program, blocks, False)
