# ---
# title: How fast can a convolution be?
# minutes: 80
# seconds: 15
# needs: lesson 1
# ---
# %% [markdown]
# # Lesson 16: How fast can a convolution be?
#
# Nearly all the time of a residual network goes into its convolutions. The formula of a convolution takes one line, and
# seven nested loops are a correct program for it. The program that minires runs computes the same numbers on the same
# processor, in so little time that most people would not guess the factor. (You will be asked.) It does not hide in one
# trick. In this lesson you take the way step by step, write three of the steps yourself, and time each of them. And you
# know beforehand what can be gained at most, because you also measure what your machine can do at all.
#
# You should know what a convolution computes (lesson 1 has a sentence on it, and here it is again in full). No
# knowledge of processors is needed. Plan eighty minutes.
#
# All times are times of *one* core until the section on threads. Times depend on the machine and on what else it does,
# so they are only printed, never judged: no exercise fails because it is slow.

# %%
import importlib.util
import inspect
import os
import sys
import time
from functools import partial

import numpy as np

import minires as mr
from minires import environment
from minires.lessons import Lesson, spread
from minires_kernels import kernel

lesson = Lesson(16)
P = lesson.params(
    images=32,
    repeats=11,
    megabytes=4.0,
    seeds=3,
    fast={"images": 2, "repeats": 3, "megabytes": 0.25, "seeds": 2},
    full={"images": 128, "repeats": 31, "megabytes": 16.0, "seeds": 10},
    browser={"images": 2, "repeats": 5, "megabytes": 1.0, "seeds": 2},
)
COMPILED = (
    importlib.util.find_spec("numba") is not None and os.environ.get("NUMBA_DISABLE_JIT") != "1"
)
CORES = mr.get_num_threads() if COMPILED else 1
if COMPILED:
    mr.set_num_threads(1)

# CPU time does not count while another program has the core; where it is coarse, the clock has to do.
CLOCK = (
    time.process_time if os.name == "posix" and sys.platform != "emscripten" else time.perf_counter
)


def in_turn(contenders, clock=CLOCK):
    """Return for each contender the seconds of a call, once for every repeat. They take turns."""
    often, seconds = {}, {name: [] for name in contenders}
    for name, call in contenders.items():
        call()  # untimed: what runs for the first time fetches its data, or is compiled
        start = clock()
        call()
        often[name] = min(1000, 1 + int(0.002 / max(clock() - start, 1e-6)))
    for _ in range(P.repeats):
        for name, call in contenders.items():
            start = clock()
            for _ in range(often[name]):
                call()
            seconds[name].append((clock() - start) / often[name])
    return {name: np.maximum(found, 1e-9) for name, found in seconds.items()}


def rounded(value):
    """Return a number with two digits that count: 32,209 is 32,000."""
    return f"{float(f'{value:.2g}'):,.{0 if value >= 10 else 1}f}"


def shown(values):
    """Return the median and the quartiles of repeated measurements."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{middle:.3g} ({low:.3g}–{high:.3g})"


lesson.say(f"""
This is timed on: {environment.processor()}, Python {sys.version.split()[0]}, NumPy {np.__version__},
{"compiled loops by Numba" if COMPILED else "no Numba, so nothing is compiled"}. Each number is a median of {P.repeats}
repeats, with the quartiles in brackets; contenders take turns, so that whatever else slows the machine slows all of
them. The clock is {"the CPU time of this process" if CLOCK is time.process_time else "the wall clock"}.
""")
if not COMPILED:
    lesson.say("""
Without Numba (in a browser, for example) this lesson times what NumPy can do: exercise 16.5 is checked as always, but
not compiled, and versions 1 to 4 of the compiled convolution, the layout and the threads are left out. For these run
the lesson where minires is installed: `minires lessons run 16`.
""")

# %% [markdown]
# ## One layer, by hand
#
# A convolution takes images $x$ with $C$ channels and $K$ filters $w$, and returns $K$ channels:
#
# $$y_{n,k,p,q} = \sum_{c,r,s} x_{n,c,\,ap+r,\,aq+s} \, w_{k,c,r,s},$$
#
# where $a$ is the stride and $x$ has been surrounded by zeros, the padding. Let there be one image of $4 \times 4$
# pixels, one channel, one filter of $3 \times 3$, stride $1$ and no padding. The filter fits into the image at
# $2 \times 2$ places. At each it takes 9 products and adds them up.
#
# How much work is that? A **FLOP** is one addition or one multiplication of two floating-point numbers. (FLOP/s are
# FLOPs per second.) A product that is added to a sum is 2 of them, so our convolution takes
# $4 \cdot 9 \cdot 2 = 72$. And how much has to be moved? It reads the 16 numbers of $x$ and the 9 of $w$, and writes
# the 4 of $y$. In float32 each has 4 bytes: $4 \cdot (16 + 9 + 4) = 116$ bytes, at the very least.
#
# ### Exercise 16.1: count
# Do the same for any convolution of square images with square filters. Of the output, `p` is the number of rows (and
# of columns).


# %% tags=["exercise"]
@lesson.exercise("16.1")
def costs(n, c, size, k, r, stride, padding):
    """Return (p, flops, nbytes): n images with c channels of size × size, k filters of r × r."""
    # BEGIN SOLUTION
    p = (size + 2 * padding - r) // stride + 1
    flops = 2 * n * k * p * p * c * r * r
    return p, flops, 4 * (n * c * size * size + k * c * r * r + n * k * p * p)
    # END SOLUTION


# %%
C, H = 16, 32  # the first stage of ResNet-20: 16 channels, 32 × 32 pixels
_, FLOPS, BYTES = costs(P.images, C, H, C, 3, 1, 1)
lesson.say(f"""
The layer of this lesson comes from the first stage of ResNet-20: {C} channels in and out, {H}×{H} pixels, filters of
3×3, padding 1, {P.images} images. By your count these are {FLOPS / 1e6:.1f} million FLOPs, {FLOPS / P.images / 1e6:.2f}
million for each image, and {BYTES / 1e6:.2f} MB.
""")

# %% [markdown]
# ## Predict

# %%
lesson.predict(
    "factor",
    "The definition as seven loops in Python, and the fastest version on this machine: by which "
    "factor do their speeds differ?",
)
lesson.predict(
    "free",
    "Filters of 1×1 on a given number of bytes: with twice the channels in and out there are half as many "
    "pixels, and twice as many FLOPs. From 4 to 8 channels, the time ...",
    choices=("doubles", "is about the same", "is halved"),
)

# %% [markdown]
# ## Two limits
#
# A processor does two things at once: it computes, and it fetches and stores numbers. Both have a highest speed. The
# **arithmetic intensity** of a computation is its number of FLOPs divided by the bytes that it has to move at least.
# Our little example has $72 / 116 = 0.62$ FLOPs for each byte. If a machine computes at most $\pi$ FLOP/s and moves at
# most $\beta$ bytes/s, then a computation of intensity $I$ cannot be faster than
#
# $$\min(\pi, \; \beta I).$$
#
# The **roofline** of a machine is this highest speed, drawn over the arithmetic intensity: a slope on the left, where
# memory is the limit, and a flat roof on the right, where arithmetic is. (It comes from Williams, Waterman and
# Patterson 2009.) A computation under the slope is called *memory-bound*; nothing that makes only its arithmetic
# faster can help it. One under the flat part is *compute-bound*.
#
# ### Exercise 16.2: under which roof?
# A layer has `flops` FLOPs and moves `nbytes` bytes. The machine has `peak` FLOP/s and `bandwidth` bytes/s.


# %% tags=["exercise"]
@lesson.exercise("16.2")
def roof(flops, nbytes, peak, bandwidth):
    """Return (highest possible speed in FLOP/s, "compute" or "memory": which limit it is)."""
    # BEGIN SOLUTION
    bound = "compute" if flops / peak >= nbytes / bandwidth else "memory"
    return min(peak, bandwidth * flops / nbytes), bound
    # END SOLUTION


# %% [markdown]
# Both limits can be measured with a line of NumPy. For the arithmetic take a product of matrices: it does a great many
# FLOPs on few bytes, and the libraries behind `@` are the most polished programs that there are. For the
# memory take the sum of two arrays: one FLOP for 12 bytes. Here the size matters. A **cache** is a small, fast memory
# inside the processor that keeps what was used last, and there are several, each larger and slower than the one before.
# So we take arrays of four sizes.

# %%
RNG = np.random.default_rng(16)
SIDE = 1024 if COMPILED and not lesson.fast else 192
# Without a BLAS library it depends on the shape which product is the fastest; so three are tried.
SHAPES = ((SIDE, SIDE, SIDE), (4096, 144, 16), (16, 144, 4096))
KIB = (48, 384, int(2048 * P.megabytes), int(24576 * P.megabytes))  # of the three arrays together


def adding(kib):
    """Return a call that adds two arrays; all three together have so many KiB."""
    a, b, c = (np.ones(kib * 1024 // 12, np.float32) for _ in range(3))
    return lambda: np.add(a, b, out=c)


def multiplying(m, k, n):
    """Return a call that multiplies an m × k matrix by a k × n one."""
    a, b, y = (np.ones(shape, np.float32) for shape in ((m, k), (k, n), (m, n)))
    return lambda: np.matmul(a, b, out=y)


limits = in_turn(
    {shape: multiplying(*shape) for shape in SHAPES} | {kib: adding(kib) for kib in KIB}
)
peaks = {(m, k, n): 2 * m * k * n / limits[m, k, n] for m, k, n in SHAPES}
bandwidths = {kib: kib // 12 * 12 * 1024 / limits[kib] for kib in KIB}
PEAK, BANDWIDTH = float(max(map(np.max, peaks.values()))), float(np.max(bandwidths[KIB[2]]))
lesson.table(
    [
        {"limit": f"product of {m}×{k} and {k}×{n}", "measured": f"{shown(found / 1e9)} GFLOP/s"}
        for (m, k, n), found in peaks.items()
    ]
    + [
        {"limit": f"sum of arrays, {kib} KiB", "measured": f"{shown(bandwidths[kib] / 1e9)} GB/s"}
        for kib in KIB
    ]
)
ROOF, BOUND = roof(FLOPS, BYTES, PEAK, BANDWIDTH)
lesson.say(f"""
Of a limit the best repeat counts and not the median, since a limit that can be beaten is none. So we take the fastest
product as the peak, {PEAK / 1e9:.3g} GFLOP/s, and as the bandwidth that of arrays of {KIB[2]} KiB, about
what a layer of a small network moves: {BANDWIDTH / 1e9:.3g} GB/s. (The arrays of a table's last line are the largest
that we try. On a server with a very large cache even they may stay in it.) The two limits meet at
{PEAK / BANDWIDTH:.2g} FLOPs for each byte. Our layer has {FLOPS / BYTES:.3g}. So it is {BOUND}-bound, and its roof is
{ROOF / 1e9:.3g} GFLOP/s.
""")

# %% [markdown]
# ## The definition
#
# Here is the formula as a program. The image has been padded before, so that no index is ever outside.


# %%
def loops(xp, w):
    """Convolution of padded images xp (N, C, H', W') with w (K, C, R, S), stride 1."""
    n_all, c_all, height, width = xp.shape
    k_all, _, r_all, s_all = w.shape
    y = np.zeros((n_all, k_all, height - r_all + 1, width - s_all + 1), xp.dtype)
    for n in range(n_all):
        for k in range(k_all):
            for p in range(y.shape[2]):
                for q in range(y.shape[3]):
                    for c in range(c_all):
                        for r in range(r_all):
                            for s in range(s_all):
                                y[n, k, p, q] += xp[n, c, p + r, q + s] * w[k, c, r, s]
    return y


def layer(images, c, size, k=None, r=3):
    """Return random images x (N, C, H, W), in memory with the channels last, and filters w."""
    x = RNG.standard_normal((images, size, size, c), dtype=np.float32).transpose(0, 3, 1, 2)
    return x, RNG.standard_normal((k or c, c, r, r), dtype=np.float32)


def padded(x):
    """Return x with a border of zeros, one pixel wide."""
    return np.ascontiguousarray(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))))


X, W = layer(P.images, C, H)
EXACT = kernel("conv2d", "reference").forward(
    X.astype(np.float64), W.astype(np.float64), None, padding=1
)[0]


def error(y, exact=EXACT):
    """Return the largest error of a result over the largest value."""
    return float(np.abs(y - exact).max() / np.abs(exact).max())


x_small, w_small = layer(1, 4, 6)
small = costs(1, 4, 6, 4, 3, 1, 1)[1]
xp_small = padded(x_small)
python = in_turn({"loops": lambda: loops(xp_small, w_small)})["loops"]
rates = {"loops in Python": small / python / 1e9}  # GFLOP/s, one value for each repeat
lesson.say(f"""
Python does {shown(1000 * rates["loops in Python"])} million FLOPs in a second. For one image the layer would take it
{FLOPS / P.images / 1e9 / np.median(rates["loops in Python"]):.2g} s. (This was timed with 4 channels of 6×6 pixels, for
we have other things to do.)
""")

# %% [markdown]
# It is not the arithmetic that takes so long. For each product the interpreter looks up what `+=` means for these
# objects, makes new objects for the indices, checks them, and throws everything away again.
#
# ## A product of matrices
#
# NumPy is slow per call and fast per number. So a convolution should become few calls on many numbers, and there is
# one operation on which most effort of all has been spent: the product of matrices. Write the window under the filter as
# a row of $C \cdot R \cdot S$ numbers, one row for each output pixel. Then each output is the inner product of a row
# with a filter, and all outputs together are one product of matrices.
#
# The **im2col** of images is this matrix, whose rows are the windows under the filter at all positions. (The name says
# "image to columns", since some write it transposed.) An image of $3 \times 3$ pixels with the numbers 1 to 9 and a
# filter of $2 \times 2$ give four rows: $(1, 2, 4, 5)$, $(2, 3, 5, 6)$, $(4, 5, 7, 8)$, $(5, 6, 8, 9)$.
#
# ### Exercise 16.3: im2col
# Write it, with stride and padding. The rows are in the order image, output row, output column; the numbers in a row
# are in the order channel, row, column. Loops over the $r^2$ taps (a tap is a place of the filter) are fast enough if
# each iteration is one slice for all pixels; `np.lib.stride_tricks.sliding_window_view` is another way. Keep the dtype.


# %% tags=["exercise"]
@lesson.exercise("16.3")
def im2col(x, r, stride, padding):
    """Return the windows of x (N, C, H, W) as rows, of shape (N·P·Q, C·r·r)."""
    # BEGIN SOLUTION
    n, c, h, w = x.shape
    p, q = ((size + 2 * padding - r) // stride + 1 for size in (h, w))
    xp = np.zeros((n, c, h + 2 * padding, w + 2 * padding), x.dtype)
    xp[:, :, padding : padding + h, padding : padding + w] = x
    columns = np.empty((n, p, q, c, r, r), x.dtype)
    for i in range(r):
        for j in range(r):
            rows, places = slice(i, i + stride * p, stride), slice(j, j + stride * q, stride)
            columns[..., i, j] = xp[:, :, rows, places][:, :, :p, :q].transpose(0, 2, 3, 1)
    return columns.reshape(n * p * q, c * r * r)
    # END SOLUTION


# %% [markdown]
# ### Exercise 16.4: the convolution as a product
# Now the rest: one `@`, and N, K, P, Q in the right order.


# %% tags=["exercise"]
@lesson.exercise("16.4")
def product(columns, w, n, p, q):
    """Return y (N, K, P, Q) from the columns (N·P·Q, C·R·R) and filters w (K, C, R, R)."""
    # BEGIN SOLUTION
    rows = columns @ w.reshape(len(w), -1).T  # (N·P·Q, K)
    return rows.reshape(n, p, q, len(w)).transpose(0, 3, 1, 2)
    # END SOLUTION


# %%
def by_im2col(x, w):
    """Convolution with the im2col and the product of the exercises."""
    return product(im2col(x, 3, 1, 1), w, len(x), *x.shape[2:])


def nine_products(x, w):
    """Convolution without columns: one product for each tap, version 2 of the reference."""
    return kernel("conv2d", "reference", 2).forward(x, w, None, padding=1)[0]


columns = im2col(X, 3, 1, 1)
numpy_errors = [error(by_im2col(X, W)), error(nine_products(X, W))]
seconds = in_turn(
    {
        "im2col": lambda: im2col(X, 3, 1, 1),
        "product": lambda: product(columns, W, P.images, H, H),
        "NumPy, im2col and product": lambda: by_im2col(X, W),
        "NumPy, nine products": lambda: nine_products(X, W),
    }
)
for name in ("NumPy, im2col and product", "NumPy, nine products"):
    rates[name] = FLOPS / seconds[name] / 1e9
NUMPY = "NumPy, im2col and product"
parts = [float(np.median(seconds[part])) for part in ("im2col", "product")]
copying = parts[0] / sum(parts)
moved = BYTES + 2 * columns.nbytes
share = float(np.median(rates[NUMPY])) * 1e9 / ROOF
lesson.say(f"""
im2col and product reach {shown(rates[NUMPY])} GFLOP/s, and their result differs from the exact one by
{numpy_errors[0]:.0e} of its largest value, which is the rounding of float32. That is
{rounded(np.median(rates[NUMPY]) / np.median(rates["loops in Python"]))} times the speed of Python's loops. And it is
{100 * share:.0f} % of the roof. {"What is the rest of the time spent on? On columns: they" if share < 1 else "The columns"}
repeat each pixel up to nine times, have {columns.nbytes / 1e6:.1f} MB where x has {X.nbytes / 1e6:.1f}, and are written
once and read once. With them the layer moves {moved / 1e6:.1f} MB instead of {BYTES / 1e6:.1f}, and its intensity falls
from {FLOPS / BYTES:.3g} to {FLOPS / moved:.2g}. Making the columns takes {100 * copying:.0f} % of the time.

The reference of minires (version 2) makes no columns: it adds up nine products, one for each tap of the filter. It
reaches {shown(rates["NumPy, nine products"])} GFLOP/s. What it saves in copies it pays by adding to y nine times.
""")

# %% [markdown]
# ## Compile the loops
#
# NumPy's way out is to avoid Python. The other way is to compile the loops: Numba turns the very text of `loops` into
# machine code. But then what is in memory next to what begins to matter, for the processor fetches memory in lines
# of 64 bytes, and works on it in vectors.
#
# A **vector register** is a place in the processor that holds several numbers, 4 to 16 in float32, on all of which one
# instruction does the same operation. A compiler can use it if an innermost loop goes through memory in order, and if
# its iterations do not depend on each other. In `loops`, the innermost loop adds up one sum, of which each step has to
# wait for the one before. So we change two things. In **channels-last** order the channels of a pixel are next to each
# other in memory, so that images are arrays (N, H, W, C). And we let $k$ run innermost: then one
# pixel's number $x$ is multiplied by a row of weights, and added to a row of sums, which do not depend on each other.


# %%
def loops_last(xp, w):
    """Convolution of padded images xp (N, H', W', C) with w (R, S, C, K), stride 1."""
    n_all, height, width, c_all = xp.shape
    r_all, s_all, _, k_all = w.shape
    y = np.zeros((n_all, height - r_all + 1, width - s_all + 1, k_all), xp.dtype)
    for n in range(n_all):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                for r in range(r_all):
                    for s in range(s_all):
                        for c in range(c_all):
                            for k in range(k_all):
                                y[n, p, q, k] += xp[n, p + r, q + s, c] * w[r, s, c, k]
    return y


# %% [markdown]
# ### Exercise 16.5: a tile
# For each product, `loops_last` reads a weight, reads a sum and writes the sum back: three accesses to memory for one
# multiplication. They are to the nearest cache, but even that can serve only a few in each tick of the clock. A
# **tile** is a small block of the output that is computed together, so that what has been read once is used for all
# of it. Take four pixels $q$ to $q + 3$ of a row: then each weight is read once for four products.
#
# Write it as loops over plain indices, so that Numba can compile it: start from `loops_last`, let $q$ go in steps
# of 4, and give the innermost loop four lines. `y[n, p, q]` is a row of $K$ sums, and a view: what you add to it is added to
# `y`. The number of columns need not be a multiple of 4.
#
# Leave the compiling to the lesson. The check runs your function as plain Python on small arrays, where each index is
# looked at. What passes is then compiled below, first with the indices still checked (`boundscheck=True`) on exactly
# those arrays on which it is timed. For compiled code without these checks would not raise an error but read or
# overwrite whatever is there.


# %% tags=["exercise"]
@lesson.exercise("16.5")
def tiled(xp, w):
    """Return y (N, P, Q, K) of padded images xp (N, H', W', C) and w (R, S, C, K), stride 1."""
    # BEGIN SOLUTION
    n_all, height, width, c_all = xp.shape
    r_all, s_all, _, k_all = w.shape
    p_all, q_all = height - r_all + 1, width - s_all + 1
    y = np.zeros((n_all, p_all, q_all, k_all), xp.dtype)
    whole = q_all - q_all % 4
    for n in range(n_all):
        for p in range(p_all):
            for q in range(0, whole, 4):
                y0, y1, y2, y3 = y[n, p, q], y[n, p, q + 1], y[n, p, q + 2], y[n, p, q + 3]
                for r in range(r_all):
                    for s in range(s_all):
                        row = xp[n, p + r]
                        for c in range(c_all):
                            w_k = w[r, s, c]
                            x0, x1 = row[q + s, c], row[q + s + 1, c]
                            x2, x3 = row[q + s + 2, c], row[q + s + 3, c]
                            for k in range(k_all):
                                y0[k] += x0 * w_k[k]
                                y1[k] += x1 * w_k[k]
                                y2[k] += x2 * w_k[k]
                                y3[k] += x3 * w_k[k]
            for q in range(whole, q_all):
                for r in range(r_all):
                    for s in range(s_all):
                        for c in range(c_all):
                            for k in range(k_all):
                                y[n, p, q, k] += xp[n, p + r, q + s, c] * w[r, s, c, k]
    return y
    # END SOLUTION


# %%
def compiled(f, arrays, checked):
    """Return (f compiled, ""), or (None, why not); `checked`: it runs with checked indices first."""
    import numba

    f = inspect.unwrap(f)
    try:
        if checked:
            numba.njit(boundscheck=True)(f)(*(a.copy() for a in arrays))
        fast = numba.njit(f)
        fast(*(a.copy() for a in arrays))
    except IndexError as problem:
        return None, f"it leaves an array ({problem})"
    except Exception as problem:  # of Numba, which explains itself at length
        lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or ["?"]
        return None, f"Numba cannot compile it: {' '.join(lines[:3])[:300]}"
    return fast, ""


compiled_errors, why_not = {}, ""
if COMPILED:
    first, last = padded(X), padded(X).transpose(0, 2, 3, 1).copy()
    w_last = W.transpose(2, 3, 1, 0).copy()  # (R, S, C, K)
    contenders = {}
    for name, f, arrays in (
        ("compiled, channels first", loops, (first, W)),
        ("compiled, channels last", loops_last, (last, w_last)),
        ("compiled, tile of 4 pixels", tiled, (last, w_last)),
    ):
        fast, why_not = compiled(f, arrays, checked=f is tiled)
        if fast is None:
            lesson.say(f"`{f.__name__}` is not timed: {why_not}.")
            continue
        y = fast(*arrays)
        compiled_errors[name] = error(y if f is loops else y.transpose(0, 3, 1, 2))
        contenders[name] = lambda fast=fast, arrays=arrays: fast(*arrays)
    rates |= {name: FLOPS / s / 1e9 for name, s in in_turn(contenders).items()}
    medians = {name: float(np.median(r)) for name, r in rates.items()}
    lesson.table([{"loops": name, "GFLOP/s": shown(rates[name])} for name in contenders])
    lesson.say(f"""
The same seven loops, compiled, are {rounded(medians["compiled, channels first"] / medians["loops in Python"])} times as
fast as in Python. The order of the loops and of the memory is worth another factor of
{medians["compiled, channels last"] / medians["compiled, channels first"]:.1f}, without one FLOP less.
""")
    if "compiled, tile of 4 pixels" in medians:
        tile_gain = medians["compiled, tile of 4 pixels"] / medians["compiled, channels last"]
        lesson.say(f"""
The tile is {tile_gain:.2g} times as fast as the loops without it.
{"That is little. Does each weight that has been read serve four products, one in each of four lines?" if tile_gain < 1.2 else ""}
""")

# %% [markdown]
# ## Four versions
#
# Each kernel of minires has versions, from obvious to fast; those of the convolution on the CPU are in
# `minires_kernels/cpu/conv2d`. Version 1 are plain loops, which (unlike yours) look at each pixel whether it is padding
# and can do any stride, dilation and number of groups. Version 2 makes an im2col, but for one image at a time, so that
# the columns are still in a cache when the product reads them. Version 3 needs no columns. It holds the sums of a tile
# in vector registers and writes them once, when they are complete. So in its innermost loop nearly every instruction is
# arithmetic.
#
# From there on not much is left to gain from the machine, and version 4 turns to the mathematics.
#
# ### Fewer products
#
# Take a line of four pixels $d_0 \ldots d_3$ and a filter of three taps $g_0, g_1, g_2$. The two outputs are
# $d_0 g_0 + d_1 g_1 + d_2 g_2$ and $d_1 g_0 + d_2 g_1 + d_3 g_2$: six products. Winograd found that four are enough:
#
# $$\begin{aligned} m_1 &= (d_0 - d_2)\, g_0 \\ m_2 &= (d_1 + d_2)\, \tfrac12 (g_0 + g_1 + g_2) \\ m_3 &= (d_2 - d_1)\, \tfrac12 (g_0 - g_1 + g_2) \\ m_4 &= (d_1 - d_3)\, g_2 \end{aligned}$$
#
# The outputs are $m_1 + m_2 + m_3$ and $m_2 - m_3 - m_4$. Try it with $d = (1, 2, 3, 5)$ and $g = (2, 1, 3)$. Directly
# one finds $2 + 2 + 9 = 13$ and $4 + 3 + 15 = 22$. Winograd has $m_1 = -2 \cdot 2 = -4$, $m_2 = 5 \cdot 3 = 15$,
# $m_3 = 1 \cdot 2 = 2$ and $m_4 = -3 \cdot 3 = -9$, which gives $13$ and $22$ as well. What stands in brackets is
# computed once and used often: that of a filter for all pixels, that of the pixels for all $K$ filters.
#
# A **Winograd convolution** computes a tile of $m \times m$ outputs from sums and differences of its inputs and
# filter, with one product for each input under the tile, $m + r - 1$ of them in each direction.
#
# ### Exercise 16.6: how many products?


# %% tags=["exercise"]
@lesson.exercise("16.6")
def products(m, r):
    """Return the products for m × m outputs, r × r taps, one channel: (by definition, Winograd's)."""
    # BEGIN SOLUTION
    return (m * r) ** 2, (m + r - 1) ** 2
    # END SOLUTION


# %% [markdown]
# Why not take a large tile, and save still more? The sums and differences come from evaluating polynomials at a few
# points, and interpolating through the results. With more points, the powers of the points become large, and so do the
# rounding errors. Let us see how much. `winograd` makes the matrices for any tile from its points (the last point is at
# infinity); each tile is then computed in float32 and compared with float64.

# %%
POINTS = (0, 1, -1, 2, -2, 0.5, -0.5)


def winograd(m, r=3):
    """Return the matrices (Aᵀ, G, Bᵀ) of F(m, r): y = Aᵀ [(G g) ⊙ (Bᵀ d)]."""
    points = POINTS[: m + r - 2]
    at = np.array([[*(p**i for p in points), float(i == m - 1)] for i in range(m)])
    others = [[q for q in points if q != p] for p in points]
    scale = [np.prod([p - q for q in rest]) for p, rest in zip(points, others, strict=True)]
    g = [[p**i / s for i in range(r)] for p, s in zip(points, scale, strict=True)]
    bt = [[*np.poly(rest)[::-1], 0.0] for rest in others]  # of Π (t - q), lowest power first
    return at, np.array([*g, [0.0] * (r - 1) + [1.0]]), np.array([*bt, np.poly(points)[::-1]])


def tile_error(m, seed, channels=64, tiles=256):
    """Return the RMS of the errors of tiles in float32 over that of the values: Winograd, direct."""
    rng = np.random.default_rng(seed)
    d = rng.standard_normal((tiles, channels, m + 2, m + 2), dtype=np.float32)
    w = rng.standard_normal((channels, 3, 3), dtype=np.float32)

    def direct(d, w):
        taps = np.ndindex(3, 3)
        return sum(
            np.einsum("tcpq,c->tpq", d[:, :, r : r + m, s : s + m], w[:, r, s]) for r, s in taps
        )

    exact = direct(d.astype(np.float64), w.astype(np.float64))
    at, g, bt = (a.astype(np.float32) for a in winograd(m))
    y = at @ ((g @ w @ g.T) * (bt @ d @ bt.T)).sum(axis=1) @ at.T
    return [np.linalg.norm(z - exact) / np.linalg.norm(exact) for z in (y, direct(d, w))]


tile_errors = {m: np.array([tile_error(m, seed) for seed in range(P.seeds)]) for m in (2, 4, 6)}
lesson.table(
    [
        {
            "tile": f"{m}×{m}",
            "products left": f"{products(m, 3)[1] / products(m, 3)[0]:.0%}",
            "times fewer": f"{products(m, 3)[0] / products(m, 3)[1]:.2f}",
            "error, Winograd": spread(found[:, 0], "{:.1e}"),
            "error, direct sum": spread(found[:, 1], "{:.1e}"),
        }
        for m, found in tile_errors.items()
    ]
)
worse = {m: float(np.mean(found[:, 0]) / np.mean(found[:, 1])) for m, found in tile_errors.items()}
lesson.say(f"""
The errors are root mean squares over many tiles of 64 channels, as a part of the values' own, and the table shows
their mean ± deviation over {P.seeds} seeds. With tiles of 2×2 there are {products(2, 3)[0] / products(2, 3)[1]:.2f} times
fewer products, and the error is {worse[2]:.1f} times that of the direct sum. With 4×4 there are
{products(4, 3)[0] / products(4, 3)[1]:.0f} times fewer, and {worse[4]:.0f} times the error. With 6×6 there are
{products(6, 3)[0] / products(6, 3)[1]:.2f} times fewer, and {worse[6]:.0f} times the error: there is not much left to save,
while the matrices of the sums and differences become larger, and their work grows. minires uses 4×4, and in float32
only: where gradients are checked, in float64, it takes the direct sum.
""")

# %%
NAMES = {"v1": "loops", "v2": "im2col", "v3": "registers", "v4": "Winograd"}
if COMPILED:
    calls = {
        name: lambda n=n: kernel("conv2d", "cpu", n).forward(X, W, None, padding=1)[0]
        for n, name in enumerate(NAMES, 1)
    }
    version_errors = {name: error(call()) for name, call in calls.items()}
    rates |= {name: FLOPS / s / 1e9 for name, s in in_turn(calls).items()}
medians = {name: float(np.median(r)) for name, r in rates.items()}
fastest = max(medians, key=medians.get)
factor = medians[fastest] / medians["loops in Python"]
labels = {n: f"minires {n}: {NAMES[n]}" if n in NAMES else n for n in rates}
lesson.reveal("factor", f"{rounded(factor)} ({labels[fastest]})", value=factor)
lesson.bars(
    "versions",
    f"{len(rates)} programs for one layer: {rounded(factor)} times from the slowest to the fastest",
    {labels[name]: r for name, r in rates.items()},
    x="speed, FLOPs of the definition (GFLOP/s)",
    form="{:.3g}",
    highlight=[labels[fastest]],
    note=f"{C} channels, {H}×{H} pixels, 3×3, one core. The roof is at {ROOF / 1e9:.3g} GFLOP/s.",
    centre="median",
    of="repeat",
)
lesson.table(
    [
        {
            "program": labels[name],
            "GFLOP/s": shown(r),
            "% of the roof": f"{100 * np.median(r) * 1e9 / ROOF:.3g}",
            "times Python's loops": rounded(np.median(r) / medians["loops in Python"]),
        }
        for name, r in rates.items()
    ]
)
above = [labels[name] for name, r in medians.items() if 1e9 * r > ROOF]
lesson.say(f"""
From top to bottom stand Python, what NumPy can do{", the compiled loops of this lesson, minires's versions" * COMPILED};
all results agree up to rounding. The roof of the layer is {ROOF / 1e9:.3g} GFLOP/s, and
{"none of the bars is above it" if not above else "above it is " + " and ".join(above)}. A point *above* the roof does
not break a law: either it counts FLOPs that it does not do, as Winograd's, which are counted by the definition; or the
limit was measured too low, since not even a product of matrices is the very best that the processor can do.
""")
STAGES = ((16, 32), (32, 16), (64, 8))  # channels and pixels
if COMPILED:
    gains = []
    for c, size in STAGES:
        x, w = layer(P.images, c, size)
        convs = {n: kernel("conv2d", "cpu", n).forward for n in (3, 4)}
        found = in_turn({n: partial(f, x, w, None, padding=1) for n, f in convs.items()})
        gains.append(shown(found[3] / found[4]))
    lesson.say(f"""
Winograd's result has an error of {version_errors["v4"]:.0e}, that of version 3 {version_errors["v3"]:.0e}. Version 4
does a quarter of the products and is {medians["v4"] / medians["v3"]:.2g} times as fast as version 3, not four times: the
sums and differences take time too, and with {C} channels each of them is used for few products only. In the three
stages of ResNet-20 the channels double and the pixels become fewer, at the same number of FLOPs. There version 4 is
{gains[0]}, {gains[1]} and {gains[2]} times as fast as version 3.
""")

# %% [markdown]
# ## Several cores
#
# So far one core has worked. Which loops can be shared among several? (Each core then runs a *thread*, a part of the
# program beside the others.) Each number of $y$ has its own sum, so two cores can take different images, rows, or
# filters, and never write to the same place. They cannot share the loops over $c$, $r$ and $s$: these add to the *same*
# sum. Two threads may then both read a sum of 5, add 1 and 2, and write back 6 and 7. One addition is lost, now and
# then, and differently in each run. (Lesson 17 is about finding such races.)

# %%
if COMPILED:

    def with_threads(n, version):
        """Return the layer's result with a version, computed by n threads."""
        mr.set_num_threads(n)
        return kernel("conv2d", "cpu", version).forward(X, W, None, padding=1)[0]

    same = all(
        np.array_equal(with_threads(1, v), with_threads(max(2, CORES), v)) for v in (1, 2, 3, 4)
    )
    walls = in_turn(
        {(v, n): lambda n=n, v=v: with_threads(n, v) for v in (1, 4) for n in sorted({1, CORES})},
        time.perf_counter,
    )
    mr.set_num_threads(CORES)
    gain = {v: float(np.median(walls[v, 1]) / np.median(walls[v, CORES])) for v in (1, 4)}
    more = f"{CORES} threads are {gain[1]:.2f} times (version 1) and {gain[4]:.2f} times (version 4) as fast as one"
    more = f"By the wall clock {more}; where other programs keep the cores busy they gain little"
    lesson.say(f"""
{more if CORES > 1 else "This process may use one core only, so there is nothing to gain here"}. The
results of 1 and of {max(2, CORES)} threads are {"the same, bit for bit" if same else "DIFFERENT"}.
""")

# %% [markdown]
# ## Exercise 16.7: find the bug
#
# Somebody has written the windows of one image with one channel for the layers of ResNet-20 that have a stride of 2. It
# was tested with images of $32 \times 32$ and $16 \times 16$ pixels, and was right.


# %% tags=["show"]
def windows_with_a_bug(x, r, stride):
    pad = r // 2
    h, w = x.shape
    xp = np.pad(x, pad)
    p, q = h // stride, w // stride
    out = np.zeros((p, q, r, r), x.dtype)
    for i in range(r):
        for j in range(r):
            out[:, :, i, j] = xp[i : i + stride * p : stride, j : j + stride * q : stride]
    return out


# %%
tried = {size: len(windows_with_a_bug(np.ones((size, size)), 3, 2)) for size in (16, 7)}
lesson.say(f"""
It makes {tried[16]} rows of windows of an image with 16 rows, and {tried[7]} of one with 7 rows. What does the formula
of exercise 16.1 say? No index is ever out of range and no error is raised: a row and a column of the result are simply
not there.
""")

# %% [markdown]
# Write it without the bug, for all sizes, odd filters, and strides.


# %% tags=["exercise"]
@lesson.exercise("16.7")
def windows(x, r, stride):
    """Return the windows of x (H, W), padded by r // 2 on each side, as an array (P, Q, r, r)."""
    # BEGIN SOLUTION
    pad = r // 2
    h, w = x.shape
    xp = np.pad(x, pad)
    p, q = ((size + 2 * pad - r) // stride + 1 for size in (h, w))
    out = np.zeros((p, q, r, r), x.dtype)
    for i in range(r):
        for j in range(r):
            out[:, :, i, j] = xp[i : i + stride * p : stride, j : j + stride * q : stride][:p, :q]
    return out
    # END SOLUTION


# %% [markdown]
# A test with sizes that are all powers of two is blind to the commonest mistakes of fast programs: the rest of a row
# that does not fill a tile, the last pixel of an odd image, the last images of a batch that the threads do not divide.
# The specification of each kernel in minires draws its test cases with sizes such as 7×9, with 11 channels and
# 19 filters for this reason.
#
# ## Exercise 16.8: design an experiment
#
# Your second prediction is still open, and the roofline can answer it before anything is measured. A layer with
# $C$ channels in and $C$ out, and filters of $r \times r$, is large, so that its weights are few compared with its
# images. Count FLOPs and bytes for one pixel. At which $C$ do the two limits meet, for filters of $1 \times 1$ and for
# filters of $3 \times 3$? Then plan the measurement for $1 \times 1$: at least four channel counts, from 1 to 512,
# that show both sides of the turn, to a factor of 4 away (or to 1 and 512), with steps of at most a factor of 4.


# %% tags=["exercise"]
@lesson.exercise("16.8")
def plan(peak, bandwidth):
    """Return (C where 1×1 turns, C where 3×3 turns, list of channel counts to measure for 1×1)."""
    # BEGIN SOLUTION
    one = 4 * peak / bandwidth  # 2 C² FLOPs and 8 C bytes for each pixel: C / 4 FLOPs for a byte
    widths = [2**k for k in range(10) if one / 8 <= 2**k <= 8 * one]
    return one, one / 9, widths if len(widths) >= 4 else [1, 2, 4, 8]
    # END SOLUTION


# %% [markdown]
# In channels-last order a convolution with filters of 1×1 *is* a product of matrices: pixels × channels times channels
# × filters. So `@` measures it. All channel counts get the same number of bytes, hence the fewer pixels the more
# channels.

# %%
ONE, THREE, widths = plan(PEAK, BANDWIDTH)
widths = [int(c) for c in widths]
PIXELS = {c: max(1, int(P.megabytes * 2**20) // (4 * c)) for c in sorted({*widths, 4, 8})}


def one_by_one(c):
    """Return a call of a 1×1 convolution from c to c channels, channels last."""
    x = RNG.standard_normal((PIXELS[c], c), dtype=np.float32)
    w, y = RNG.standard_normal((c, c), dtype=np.float32), np.empty_like(x)
    return lambda: np.matmul(x, w, out=y)


took = in_turn({c: one_by_one(c) for c in PIXELS})
ms = {c: 1e3 * np.median(s) for c, s in took.items()}
needed = {c: 1e3 * max(2 * PIXELS[c] * c * c / PEAK, 8 * PIXELS[c] * c / BANDWIDTH) for c in PIXELS}
doubled = ms[8] / ms[4]
lesson.reveal(
    "free",
    f"the time from 4 to 8 channels changed by a factor of {doubled:.2f}",
    value="is about the same" if 0.7 < doubled < 1.5 else "doubles" if doubled > 1 else "is halved",
)
near = [c for c in widths if ms[c] < 1.5 * min(ms[b] for b in widths)]  # the flat part
start, free = near[0], near[-1]
upto = free if free > start else widths[min(widths.index(start) + 1, len(widths) - 1)]
lesson.curves(
    "turn",
    f"From {start} to {upto} channels the FLOPs grow {upto / start:g}-fold, "
    f"the time {ms[upto] / ms[start]:.1f}-fold",
    np.array(widths),
    {
        "measured": np.array([1e3 * took[c] for c in widths]).T,
        "roofline": np.array([[needed[c] for c in widths]] * P.repeats),
    },
    x="channels in and out, 1×1 filters",
    y=f"time for {P.megabytes:g} MiB of images (ms)",
    log="xy",
    highlight=["measured"],
    centre="median",
    marks={f"predicted turn: {ONE:.2g}": ONE} if widths[0] <= ONE <= widths[-1] else None,
    of="repeat",
)  # fmt: skip
lesson.say(f"""
From left to right the layer has more channels, at the same number of bytes. The grey line is what the two limits allow:
flat where the bytes take the time, then rising with the FLOPs, which double from point to point where the channels
do. The dotted line is where your formula lets them meet, {ONE:.3g} channels. The coloured line is measured, and its
height above the grey one is what the program leaves unused. It is within 1.5 times its lowest value from {start} to {free} channels.
{"" if start == widths[0] else f"(With fewer than {start} it is slower: rows that short are no job for a product of matrices.)"}
Near the turn both limits are almost reached at once, and real programs do not overlap fetching and computing
perfectly: the corner of the roofline is round.

For filters of 3×3 the limits meet at {THREE:.2g} channels. So {"hardly any" if THREE < 8 else "not every"} layer of a
residual network with such filters is bound by memory. What *is* bound by memory are the layers that do a few FLOPs for
each number: batch norm, ReLU, the residual addition, and depthwise convolutions, which have one filter of 3×3 for each
channel and 18 FLOPs for 8 bytes, however many channels there are. That is why minires joins batch norm, addition and
ReLU into one pass over memory.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
*"Fewer FLOPs are less time."* From {start} to {upto} channels the FLOPs of the 1×1 layer grew {upto / start:g}-fold, its
time by a factor of {ms[upto] / ms[start]:.2g}.

*"A faster program does less work."* All steps but the last did the same products. What changed is
how often each number was fetched, and how many products an instruction does.

*"Winograd is four times as fast, and exact."* It needs {products(4, 3)[0] / products(4, 3)[1]:.0f} times fewer products; the error was
{worse[4]:.0f} times that of the direct sum{f", and the gain here a factor of {medians['v4'] / medians['v3']:.2g}" if COMPILED else ""}.

*"Written as a product of matrices, a convolution is as fast as one."* Making the columns took {100 * copying:.0f} % of the
time of NumPy's convolution, and the whole reached {100 * np.median(rates[NUMPY]) * 1e9 / PEAK:.3g} % of the speed of a product.
""")

# %% [markdown]
# ## What the paper found
#
# * Williams, Waterman and Patterson 2009 ("Roofline: an insightful visual performance model for multicore
#   architectures") draw the attainable speed of a program over its intensity.
# * Lavin and Gray 2015 (arXiv 1509.09308) brought Winograd's filtering to convolutional networks; their algorithms
#   "can reduce the arithmetic complexity of a convnet layer by up to a factor of 4 compared to direct convolution".
# * Barabasz et al. 2018 (arXiv 1803.10986) analyse the error of Winograd's convolution: their bound grows exponentially
#   with the size of the convolution, and well-chosen points reduce the error.
#
# ## Remember
#
# - Count FLOPs and bytes before you optimise: their ratio says whether arithmetic or memory is the limit, and the
#   roofline how much there is to gain.
# - Most of the speed comes from using what has been fetched: order in memory, vectors, tiles, sums that stay in
#   registers; only then does it pay to save products.
# - A fast program is tested with odd sizes, and timed beside another one, in turns, more than once.
#
# ## Read next
#
# * The four versions, from first to last: `minires_kernels/cpu/conv2d/v1_loops.py` to `v4_winograd.py`.
# * `python -m benchmarks.kernels conv2d` and `python -m benchmarks.roofline`, in the repository: all layers, forward and backward,
#   beside PyTorch.
# * Lesson 17: the same questions on a graphics processor, without one.
