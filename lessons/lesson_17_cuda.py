# ---
# title: Can I read CUDA without a GPU?
# minutes: 80
# seconds: 10
# needs: lesson 16
# ---
# %% [markdown]
# # Lesson 17: Can I read CUDA without a GPU?
#
# The papers of this course trained their networks on graphics processors, and so does nearly everybody. What runs
# there are programs of a few dozen lines in CUDA C++: a loop body, executed by many thousand threads at once. To read
# such a program you need a handful of ideas. To *write* one you need to be afraid of the right things: of threads
# that overtake each other, of an index one too large, of memory that is read in the wrong order. These mistakes are
# nasty, because with luck the numbers are right all the same.
#
# None of this needs a graphics processor. minires has an emulator that compiles CUDA C++ with the C++ compiler of your
# machine, runs each thread of a launch by itself, and looks at every load and store. It finds races that a GPU
# shows only now and then, and it counts what each line would cost. What it cannot tell is how many
# microseconds something takes, and so this lesson has no times at all.
#
# You should know C's loops and `if`s when you see them, and lesson 16: the roofline, tiles, and why memory matters.
# In the exercises you write kernels, as texts, and the check runs them in the emulator. Plan eighty minutes.

# %%
import math
import sys

import numpy as np

from minires.lessons import Lesson, kernels
from minires.lessons.kernels import Launch

lesson = Lesson(17)
P = lesson.params(
    widest=33,
    seeds=3,
    fast={"seeds": 2},
    full={"widest": 64, "seeds": 5},
    browser={"seeds": 2},
)
STRIDES_TRIED = range(1, max(33, min(64, P.widest)) + 1)
WARP, SECTOR, BANKS = 32, 32, 32  # threads, bytes, banks of 4 bytes


def emulator_here():
    """Return "" if kernels can be run here, else why not."""
    if sys.platform != "linux":
        return "the emulator runs on Linux only"
    if lesson.checking:
        return "while exercises are checked nothing else is run"
    from minires_emulator import NoCompiler, compiler

    try:
        compiler()
    except NoCompiler as error:
        return str(error)
    return ""


MISSING = emulator_here()
if MISSING and not lesson.checking:
    lesson.say(f"""
Kernels cannot be run here: {MISSING}. Exercises 17.1, 17.5 and 17.8 are plain Python, and are checked as always; the
others, which ask for a kernel, stay open, and what the emulator would have shown is left out.
""")


def launch(source, name, grid, block, order=0, **arguments):
    """Run a kernel in the emulator, print its report if there is one, and return what came of it.

    It runs in a process of its own: whatever the kernel does, this one goes on.
    """
    (ran,) = kernels.run(source, name, [Launch(grid, block, arguments, order)])
    print(ran.report or f"{name}: nothing to report")
    return ran


# %% [markdown]
# ## One loop, many threads
#
# Take the end of a residual block, the addition and the ReLU, for arrays of $n$ numbers. In C this is a loop:
#
#     for (int i = 0; i < n; i++)
#         y[i] = fmaxf(x[i] + f[i], 0.0f);
#
# On a GPU the loop disappears, and its body stays. A **kernel** is a function that is executed by many threads, all with
# the same arguments; each thread finds out by its number which part of the work is its own. A **thread** of a GPU is one
# execution of the kernel, with its own variables. A **block** of threads is a group that runs at the same place, shares
# some memory, and may wait for each other; all blocks of a launch have the same size, and together they are called the
# *grid*. Inside the kernel, `threadIdx.x` is the number of the thread in its block, `blockIdx.x` the number of the block,
# `blockDim.x` the size of a block and `gridDim.x` the number of blocks. So
#
#     int i = blockIdx.x * blockDim.x + threadIdx.x;
#
# counts all threads. With blocks of 4 threads, thread 1 of block 2 has $i = 2 \cdot 4 + 1 = 9$. For $n = 10$
# numbers it takes 3 blocks. They have 12 threads, of which 2 have nothing to do.
#
# ### Exercise 17.1: who does what?


# %% tags=["exercise"]
@lesson.exercise("17.1")
def plan(n, size):
    """Return (blocks, idle threads, block and thread of the last element) for n elements."""
    # BEGIN SOLUTION
    blocks = -(-n // size)
    return blocks, blocks * size - n, (n - 1) // size, (n - 1) % size
    # END SOLUTION


# %% [markdown]
# ## The first mistake
#
# Here is the kernel. `__global__` marks it as one, and `extern "C"` keeps its name as it is.

# %%
UNGUARDED = r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
N = 1000
x, f = np.random.default_rng(0).standard_normal((2, N), dtype=np.float32)
blocks, idle, *_ = plan(N, 128)
lesson.say(
    f"{N} numbers take {blocks} blocks of 128 threads, and {idle} threads too many. The emulator:"
)
if not MISSING:
    unguarded = launch(
        UNGUARDED, "add_relu", (blocks,), (128,), x=x, f=f, y=np.zeros(N, np.float32), n=np.int32(N)
    )

# %% [markdown]
# Read it aloud: *thread 104 of block 7 has read element 1000 of x, which has 1000 elements*. On a GPU nothing would
# have been said. The threads that are too many read whatever lies behind the array, and write over whatever lies
# behind `y`, mostly without any consequence that a test would notice.
#
# ### Exercise 17.2: the guard
# Return the text of the kernel, corrected.


# %% tags=["exercise"]
@lesson.exercise("17.2")
def add_relu():
    """Return the source of add_relu, which touches nothing outside of its arrays."""
    # BEGIN SOLUTION
    return r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
    # END SOLUTION


# %% [markdown]
# You may write anything into such a text. The check compiles it and runs it in a process of its own: a kernel that
# runs for ever is stopped after two seconds, a pointer into nowhere is reported with its line, and what the compiler
# does not understand is told in the compiler's words. No `#include` and no `main` are needed. Try it once, for
# example with `while (true) { }`.
#
# ## Predict

# %%
lesson.predict(
    "luck",
    "128 threads add up numbers together, and at one place do not wait for each other although they should. The "
    "emulator runs one thread after the other, and the sum is compared with NumPy's. The test ...",
    choices=("passes", "fails"),
)
lesson.predict(
    "stride",
    "32 threads read at the same time, thread t the float x[32 * t]. Memory is moved in pieces of 32 bytes. How many "
    "times as many bytes are moved as are needed?",
)

# %% [markdown]
# ## Threads that work together
#
# Batch norm needs the mean of each channel, a sum of many numbers. One thread per channel would be too few threads. So a
# block takes a channel: each thread adds up a part of it, and then the parts have to be added. For that, threads must be
# able to hand over numbers. **Shared memory** is a small, fast memory that all threads of a block can read and write;
# `__shared__ float part[128];` is an array in it.
#
# Adding 8 parts goes in three rounds. First the last four threads add what is four places before them, then the last
# two add what is two places before, then the last one what is one place before:
#
# | part | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
# |---|---|---|---|---|---|---|---|---|
# | at first | 3 | 1 | 4 | 1 | 5 | 9 | 2 | 6 |
# | after round 1 | 3 | 1 | 4 | 1 | 8 | 10 | 6 | 7 |
# | after round 2 | 3 | 1 | 4 | 1 | 8 | 10 | 14 | 17 |
# | after round 3 | 3 | 1 | 4 | 1 | 8 | 10 | 14 | 31 |
#
# But the threads of a block do not run in step. In round 2, thread 7 reads `part[5]`, which thread 5 writes in round 1. If
# thread 7 is faster, it reads an old number. A **data race** means that two threads touch the same place of memory, at
# least one of them writes, and nothing says which of them comes first. A **barrier** is a place in the program where all
# threads of a block wait until the last of them has come; in CUDA it is written `__syncthreads();`. If one thread writes
# before a barrier and the other reads behind it, the order is certain.

# %%
RACING = r"""
extern "C" __global__ void channel_mean(const float* x, float* mean, int m)
{
    __shared__ float part[128];
    int t = threadIdx.x;
    float sum = 0.0f;
    for (int i = t; i < m; i += blockDim.x)
        sum += x[blockIdx.x * m + i];
    part[t] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t >= blockDim.x - half)
            part[t] += part[t - half];
    }
    if (t == blockDim.x - 1)
        mean[blockIdx.x] = part[t] / m;
}
"""
images = np.random.default_rng(1).standard_normal((3, 300), dtype=np.float32) + 1
luck, race = None, None
if not MISSING:
    from minires_emulator import RawModule

    mean = np.zeros(3, np.float32)
    in_fast_mode = RawModule(RACING).get_function("channel_mean")  # looks at nothing, just runs
    in_fast_mode((3,), (128,), (images, mean, np.int32(300)))
    luck = float(np.abs(mean - images.mean(axis=1)).max())
    lesson.reveal(
        "luck",
        f"the largest difference from NumPy's means is {luck:.1g}",
        value="passes" if luck < 1e-6 else "fails",
    )
    lesson.say("Now the same launch in the mode in which every access is looked at:")
    race = launch(RACING, "channel_mean", (3,), (128,), x=images, mean=mean * 0, m=np.int32(300))

# %% [markdown]
# The numbers are right and the kernel is wrong. The emulator ran thread 0 to its end, then thread 1, and so on. By the
# time a thread adds `part[t - half]`, the thread that wrote it was done long ago, since its number is smaller. On a GPU
# nobody has promised that. A test of numbers can pass on every machine of a laboratory, and the kernel fails on the
# next one.
#
# The report does not depend on luck. It does not say that something *went* wrong; it says that no barrier lies
# between two accesses of which one writes. That is so in every order, and so one run is enough. (It is about what
# that run has done: of a branch that was not taken it knows nothing.)
#
# ### Exercise 17.3: find the bug
# Where does the barrier belong? (All threads of the block have to come to it. Put it into the wrong place and see what
# the report says.)


# %% tags=["exercise"]
@lesson.exercise("17.3")
def channel_mean():
    """Return the source of channel_mean without the race."""
    # BEGIN SOLUTION
    return r"""
extern "C" __global__ void channel_mean(const float* x, float* mean, int m)
{
    __shared__ float part[128];
    int t = threadIdx.x;
    float sum = 0.0f;
    for (int i = t; i < m; i += blockDim.x)
        sum += x[blockIdx.x * m + i];
    part[t] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t >= blockDim.x - half)
            part[t] += part[t - half];
        __syncthreads();
    }
    if (t == blockDim.x - 1)
        mean[blockIdx.x] = part[t] / m;
}
"""
    # END SOLUTION


# %% [markdown]
# Between *blocks* there is no barrier. Nothing orders them, and they may run one after the other or all at once. What
# has to be added over blocks is written by each block to a place of its own, and added by a second launch.
#
# ## What a line costs: global memory
#
# Now to speed. A **warp** is a group of 32 threads of a block that execute each instruction together. So when a warp
# comes to `x[i]`, there are 32 addresses at once. The arrays of a launch lie in *global memory*, which is large and far
# away, and it is moved in **sectors**: a sector is a piece of 32 bytes, 8 floats, that is moved as a whole. If the threads of a
# warp read 32 neighbouring floats, that is 128 bytes, they need 4 sectors, and all that is moved is used. Such an access
# is called *coalesced*. If thread $t$ reads `x[8 * t]`, each float lies in a sector of its own: 32 sectors, of which an
# eighth is used.
#
# Shared memory has its own rule. Its 32 **banks** are parts of it that can each deliver one word of 4 bytes at a time;
# word `a` lies in bank `a % 32`. A **bank conflict** means that threads of a warp want different words of the same
# bank, and get them one after the other.
#
# The emulator counts both, line by line, for the first block of a launch. It also counts the *requests*: a request is
# an access of one warp, however many of its threads take part. Here thread $t$ reads element $t \cdot \text{stride}$,
# once from global and once from shared memory.

# %%
STRIDES = r"""
extern "C" __global__ void strides(const float* x, float* y, int stride)
{
    __shared__ float part[64 * 32];
    for (int i = threadIdx.x; i < 64 * 32; i += blockDim.x)
        part[i] = 1.0f;
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x * stride];
    y[threadIdx.x] += part[threadIdx.x * stride];
}
"""


def cost(ran, space, access="load", line=None):
    """Return how many times the least possible a space of memory was used, on average over lines."""
    rows = [
        r for r in ran.profile if (r.space, r.access) == (space, access) and line in (None, r.line)
    ]
    return sum(r.ratio * r.requests for r in rows) / sum(r.requests for r in rows)


if not MISSING:
    x = np.zeros(max(STRIDES_TRIED) * WARP, np.float32)
    launches = [
        Launch(
            (1,), (WARP,), {"x": x, "y": np.zeros(WARP, np.float32), "stride": np.int32(s)}, order
        )
        for order in range(P.seeds)
        for s in STRIDES_TRIED
    ]
    found = kernels.run(STRIDES, "strides", launches)
    counted = {
        "global memory: sectors": [cost(r, "global", line=7) for r in found],
        "shared memory: turns": [cost(r, "shared") for r in found],
    }
    counted = {label: np.reshape(values, (P.seeds, -1)) for label, values in counted.items()}
    sectors, turns = (dict(zip(STRIDES_TRIED, c[0], strict=True)) for c in counted.values())
    last = max(s for s in STRIDES_TRIED if s % BANKS == 0)
    lesson.reveal("stride", f"{sectors[last]:g} times with a stride of {last}", value=sectors[last])
    lesson.curves(
        "strides",
        f"A stride of {last} costs {sectors[last]:g} times the sectors and {turns[last]:g} turns at a bank",
        np.array(STRIDES_TRIED),
        counted,
        x="stride between the threads of a warp (floats)",
        y="cost, times the least possible",
        log="y",
        highlight=list(counted),
        note="Counted, not timed, in several orders of the threads.",
        of="repeat",
    )
    odd = [s for s in STRIDES_TRIED if s % 2]
    lesson.say(f"""
The horizontal axis is the stride, the vertical one how many times the least possible number of sectors or turns a warp
takes. From global memory the cost grows with the stride until each float has a sector to itself, and stays at
{max(sectors.values()):g}, which is {SECTOR} bytes over 4. In shared memory it jumps up and down: {turns[last]:g} turns at
a stride of {last}, and {max(turns[s] for s in odd):g} at each odd stride. The order in which the threads run changes none of it.
""")

# %% [markdown]
# ### Exercise 17.4: neighbours
# Each thread is to do four elements, so that one needs fewer threads. Here is how one would do it on a CPU, where a
# core should have a piece of its own:

# %%
NEIGHBOURS = r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    for (int i = first; i < first + 4 && i < n; i++)
        y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
if not MISSING:
    x, f = np.random.default_rng(2).standard_normal((2, 1024), dtype=np.float32)
    arrays = {"x": x, "f": f, "y": np.zeros(1024, np.float32), "n": np.int32(1024)}
    neighbours = launch(NEIGHBOURS, "add_relu", (2,), (128,), **arrays)
    lesson.say(f"""
All numbers are right, and its loads move {cost(neighbours, "global"):g} times the sectors that they need: in its first iteration a warp
wants elements 0, 4, 8, and so on.
""")

# %% [markdown]
# Write it so that the loads and stores are coalesced. It should do all $n$ elements for *any* number of blocks and
# threads, all of which should have their share: a thread goes on until nothing is left for it.


# %% tags=["exercise"]
@lesson.exercise("17.4")
def add_relu_in_steps():
    """Return the source of an add_relu whose threads do several elements each, coalesced."""
    # BEGIN SOLUTION
    return r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int all = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += all)
        y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
    # END SOLUTION


# %%
if not MISSING:
    steps = launch(add_relu_in_steps(), "add_relu", (2,), (128,), **arrays)
    before, after = cost(neighbours, "global"), cost(steps, "global")
    lesson.say(
        f"The loads cost {after:g} times the least possible; before they cost {before:g} times."
    )

# %% [markdown]
# ## What a line costs: shared memory
#
# To transpose a matrix, one has to read along rows and write along columns, or the other way round. One of the two is
# not coalesced. The way out is a tile in shared memory: read a tile of $32 \times 32$ numbers along its rows, and then
# write it to its new place along rows as well. The turning is done in shared memory, where a warp reads a *column* of the
# tile. The floats of a column are a whole row apart, and the length of a row in memory is called the *pitch*.
#
# ### Exercise 17.5: how many ways?
# Thread $r$ of a warp reads the word $r \cdot \text{pitch}$, for $r = 0 \ldots 31$. How many of the threads
# share the busiest bank? (Begin with pitch 2: the words 0, 2, 4 … lie in 16 different banks, so two threads share each.)


# %% tags=["exercise"]
@lesson.exercise("17.5")
def ways(pitch):
    """Return how many threads of a warp share the busiest bank, when a column is read."""
    # BEGIN SOLUTION
    return math.gcd(pitch, 32)
    # END SOLUTION


# %%
if not MISSING:
    agree = [turns[s] == ways(s) for s in STRIDES_TRIED]
    lesson.say(
        f"Your formula gives what the emulator counted at {sum(agree)} of {len(agree)} strides."
    )

# %%
CONFLICTS = r"""
extern "C" __global__ void transpose(const float* x, float* y, int rows, int columns)
{
    __shared__ float tile[32][32];
    int row = 32 * blockIdx.y, column = 32 * blockIdx.x;
    for (int i = threadIdx.y; i < 32; i += blockDim.y)
        if (row + i < rows && column + threadIdx.x < columns)
            tile[i][threadIdx.x] = x[(row + i) * columns + column + threadIdx.x];
    __syncthreads();
    for (int i = threadIdx.y; i < 32; i += blockDim.y)
        if (column + i < columns && row + threadIdx.x < rows)
            y[(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
}
"""
if not MISSING:
    matrix = np.arange(64.0 * 64, dtype=np.float32).reshape(64, 64)
    square = {
        "x": matrix,
        "y": np.zeros_like(matrix),
        "rows": np.int32(64),
        "columns": np.int32(64),
    }
    conflicts = launch(CONFLICTS, "transpose", (2, 2), (32, 8), **square)
    lesson.table(
        [
            {
                "line": r.line,
                "memory": r.space,
                "access": r.access,
                "requests": r.requests,
                "cost": r.ratio,
            }
            for r in conflicts.profile
        ]
    )

# %% [markdown]
# ### Exercise 17.6: one float
# The last line of the table reads a column, at the cost that your formula gives for a pitch of 32. Change one number in
# the kernel.


# %% tags=["exercise"]
@lesson.exercise("17.6")
def transpose():
    """Return the source of transpose without bank conflicts."""
    # BEGIN SOLUTION
    return r"""
extern "C" __global__ void transpose(const float* x, float* y, int rows, int columns)
{
    __shared__ float tile[32][33];
    int row = 32 * blockIdx.y, column = 32 * blockIdx.x;
    for (int i = threadIdx.y; i < 32; i += blockDim.y)
        if (row + i < rows && column + threadIdx.x < columns)
            tile[i][threadIdx.x] = x[(row + i) * columns + column + threadIdx.x];
    __syncthreads();
    for (int i = threadIdx.y; i < 32; i += blockDim.y)
        if (column + i < columns && row + threadIdx.x < rows)
            y[(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
}
"""
    # END SOLUTION


# %% [markdown]
# ## A layer
#
# Now everything together. A convolution with filters of 1×1, followed by a ReLU, is a product of matrices: $y =
# \mathrm{relu}(a\, b)$ with pixels × channels in $a$ and channels × filters in $b$ (lesson 16). The plain kernel has a
# thread for each number of $y$, in blocks of $16 \times 16$:

# %%
NAIVE = r"""
extern "C" __global__ void product(const float* a, const float* b, float* y, int m, int k, int n)
{
    int row = 16 * blockIdx.y + threadIdx.y, column = 16 * blockIdx.x + threadIdx.x;
    if (row >= m || column >= n) return;
    float sum = 0.0f;
    for (int i = 0; i < k; i++)
        sum += a[row * k + i] * b[i * n + column];
    y[row * n + column] = fmaxf(sum, 0.0f);
}
"""
if not MISSING:
    rng = np.random.default_rng(3)
    a, b = (
        rng.standard_normal((32, 64), dtype=np.float32),
        rng.standard_normal((64, 32), dtype=np.float32),
    )
    sizes = {"m": np.int32(32), "k": np.int32(64), "n": np.int32(32)}
    naive = launch(
        NAIVE, "product", (2, 2), (16, 16), a=a, b=b, y=np.zeros((32, 32), np.float32), **sizes
    )

# %% [markdown]
# For each product it reads two numbers from global memory. But the 16 threads of a row of the block all read the same
# row of $a$, and the 16 of a column the same column of $b$. Each number is read 16 times by the same block.
#
# ### Exercise 17.7: a tile of a and a tile of b
# Let the block go through $k$ in steps of 16. In each step its 256 threads load a tile of $16 \times 16$ of $a$ and
# one of $b$ into shared memory, one number of each per thread; then every thread adds 16 products from there. Sizes
# need not be multiples of 16: what is outside counts as 0, and the loads from global memory should be coalesced. (How
# many barriers does it take in each step? Think of the fastest thread of the block, which is about to load the next
# tile.) The blocks and their threads are as in `NAIVE`, and $k$ may be any number.


# %% tags=["exercise"]
@lesson.exercise("17.7")
def product():
    """Return the source of product with tiles of a and b in shared memory, and the ReLU."""
    # BEGIN SOLUTION
    return r"""
extern "C" __global__ void product(const float* a, const float* b, float* y, int m, int k, int n)
{
    __shared__ float ta[16][16], tb[16][16];
    int tx = threadIdx.x, ty = threadIdx.y;
    int row = 16 * blockIdx.y + ty, column = 16 * blockIdx.x + tx;
    float sum = 0.0f;
    for (int j = 0; j < k; j += 16) {
        ta[ty][tx] = row < m && j + tx < k ? a[row * k + j + tx] : 0.0f;
        tb[ty][tx] = j + ty < k && column < n ? b[(j + ty) * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < 16; i++)
            sum += ta[ty][i] * tb[i][tx];
        __syncthreads();
    }
    if (row < m && column < n)
        y[row * n + column] = fmaxf(sum, 0.0f);
}
"""
    # END SOLUTION


# %%
def requests(ran):
    """Return how many requests for global memory the first block made."""
    return sum(r.requests for r in ran.profile if (r.space, r.access) == ("global", "load"))


if not MISSING:
    tiled = launch(
        product(), "product", (2, 2), (16, 16), a=a, b=b, y=np.zeros((32, 32), np.float32), **sizes
    )
    difference = float(np.abs(tiled.arrays["y"] - np.maximum(a @ b, 0)).max())
    fewer = requests(naive) / requests(tiled)
    lesson.say(f"""
The plain kernel makes {requests(naive)} requests for global memory in its first block, yours {requests(tiled)}: {fewer:g}
times fewer. The result differs from NumPy's by {difference:.0e} at most.
""")

# %% [markdown]
# ### Exercise 17.8: design the tile
# For a product of $n \times n$ matrices with tiles of $T \times T$: how many FLOPs are there for each byte that is read
# from global memory? (Forget the writing of $y$.) Lesson 16's roofline says how many there have to be. Return
# the smallest $T$, a power of two, for which arithmetic is the limit and no longer memory.


# %% tags=["exercise"]
@lesson.exercise("17.8")
def smallest_tile(peak, bandwidth):
    """Return the smallest power of two T for which tiles of T × T are compute-bound."""
    # BEGIN SOLUTION
    tile = 1
    while tile / 4 < peak / bandwidth:  # 2 n³ FLOPs, and 2 n³ / T numbers of 4 bytes
        tile *= 2
    return tile
    # END SOLUTION


# %%
T = smallest_tile(20e12, 1e12)
lesson.say(f"""
A GPU with 20 TFLOP/s and a memory of 1 TB/s needs tiles of {T}×{T}. Two of them in float32 take {2 * 4 * T * T // 1024}
KiB of shared memory, and blocks have 48 KiB unless they ask for more. So real kernels do as the CPU's in lesson 16: they have two
levels of tiles, one in shared memory and a smaller one in the registers of each thread, and take the tiles of $a$ and
$b$ not square but flat. Version 3 of the convolution in `minires_kernels/cuda/` does that.
""")

# %% [markdown]
# ## What an emulator does not know
#
# The emulator runs what the C++ compiler of your machine makes of a kernel. It finds races, accesses out of bounds,
# barriers that not all threads reach, and reads of memory that nobody wrote; and it counts sectors and banks as the rules
# above say. It does not know time: caches, the number of registers, how many blocks run at once, and how much waiting
# other warps can hide. A kernel with a bank conflict on a line that takes a hundredth of the time is not
# worth mending. Whoever has a GPU should measure; whoever has none can at least be right. On your own files:
#
#     minires cuda-check mine.cu
#
# with a comment above the kernel that says how it is launched (`kernels/docs/cuda.md`). If NVIDIA's compiler is
# installed (`pip install nvidia-cuda-nvrtc`; it needs no GPU), it also tells how many registers a thread needs, and
# whether variables had to go to memory for want of them.
#
# ## What people get wrong

# %%
if not MISSING:
    lesson.say(f"""
*"The test passes, so there is no race."* The racing kernel of this lesson was {luck:.1g} away from NumPy's means.

*"A race is found by running it many times."* That no barrier lies between two accesses
shows in one run that makes them, in any order.

*"A GPU is fast at reading memory."* With a stride of {last}, a warp uses one byte of {sectors[last]:g} that are moved.

*"Each thread should have a piece of the array."* That is right for the cores of a CPU. Neighbouring threads of a warp
should have neighbouring elements: the pieces of four cost {cost(neighbours, "global"):g} times the sectors.
""")

# %% [markdown]
# ## What the paper found
#
# * Williams, Waterman and Patterson 2009: the roofline, which holds for GPUs as it does for CPUs.
# * NVIDIA's developer blog explains the transposition with a tile of $32 \times 33$ ("An Efficient Matrix Transpose in
#   CUDA C/C++"), whose kernel this lesson's follows in idea.
#
# ## Remember
#
# - A kernel is a loop's body, a thread its number: guard the last block, and let neighbouring threads touch neighbouring
#   elements.
# - Two threads that touch the same place, one of them writing, need a barrier in between that all threads of the block reach;
#   that the numbers are right proves nothing.
# - Global memory costs sectors, shared memory costs turns at a bank, and both can be counted without a GPU; time cannot.
#
# ## Read next
#
# * `kernels/docs/reading_a_race_report.md`: the reports, word by word, with more exercises.
# * `minires_kernels/cuda/conv2d_v1.cu` to `conv2d_v4.cu`: a convolution from one thread per result to tensor cores.
# * NVIDIA's CUDA C++ Programming Guide, the chapters on the programming model and on performance.
