"""Lesson 17: reading CUDA without a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_number, require, require_written
from ..expect import described
from ..kernels import Launch
from .cuda import expect_cheap, expect_result, expect_shared_out, ran, requests
from .sources import ADD_RELU, FOUR, MEAN, NAIVE, NEIGHBOURS, PRODUCT, TRANSPOSE

Source = Callable[..., Any]
ALONE = "the work is not shared out among the blocks and threads"
NEIGHBOURLY = ": neighbouring threads have to touch neighbouring elements at the same time"


def _changed(source: str, old: str, new: str) -> str:
    """Return a source with one change, for solutions that are nearly right."""
    if old not in source:
        raise ValueError(f"{old!r} is not in the source")
    return source.replace(old, new)


def _plan(n: int, size: int) -> tuple[int, int, int, int]:
    blocks = -(-n // size)
    return blocks, blocks * size - n, (n - 1) // size, (n - 1) % size


def _check_plan(f: Callable[..., Any]) -> None:
    names = ("blocks", "idle threads", "block of the last element", "its thread")
    for n, size in ((1000, 128), (1024, 128), (1, 32), (1025, 256), (7, 4)):
        found, right = f(n, size), _plan(n, size)
        require_written(found)
        ok = isinstance(found, list | tuple | np.ndarray) and len(found) == 4
        require(ok, f"expected (blocks, idle, block, thread), got {described(found)}")
        mistakes: tuple[dict[str, float], ...] = (
            {
                "round up: the rest needs a block too": n // size,
                "one block too many, where size divides n": n // size + 1,
            },
            {"that is how many threads of the last block have work": n % size or size},
            {
                "blocks are counted from 0": right[0],
                "the last element has the index n - 1": n // size,
            },
            {
                "the last element has the index n - 1": n % size,
                "threads count from 0": right[3] + 1,
            },
        )
        for name, mine, value, likely in zip(names, found, right, mistakes, strict=True):
            what = f"{n} elements, blocks of {size}: {name}"
            expect_number(mine, value, 1e-12, what, mistakes=likely)


def _add_relu_launch(n: int, blocks: int, size: int, order: int = 0) -> tuple[Launch, Array]:
    x, f = np.random.default_rng(n).standard_normal((2, n), dtype=np.float32)
    arguments = {"x": x, "f": f, "y": np.full(n, 7, np.float32), "n": np.int32(n)}
    return Launch((blocks,), (size,), arguments, order), np.maximum(x + f, 0)


def _check_add_relu(f: Source) -> None:
    sizes = ((1000, 128), (128, 128), (1, 128), (129, 128), (200, 64))
    cases = [_add_relu_launch(n, -(-n // size), size) for n, size in sizes]
    all_found = ran(f(), "add_relu", [c[0] for c in cases])
    for found, (launch, right) in zip(all_found, cases, strict=True):
        untouched = right.copy()
        untouched[-1] = 7
        mistakes = {
            "the last element was not written: i goes up to n - 1": untouched,
            "where is the ReLU?": launch.arguments["x"] + launch.arguments["f"],
        }
        expect_result(found, launch, "y", right, mistakes)
    expect_shared_out(all_found[0], "store", 4, 4, ALONE)


def _check_mean(f: Source) -> None:
    rng, cases = np.random.default_rng(3), []
    for channels, m, order in ((3, 300, 0), (2, 128, 1), (1, 5, 2), (2, 1000, 3)):
        x = rng.standard_normal((channels, m), dtype=np.float32) + 1
        arguments = {"x": x, "mean": np.zeros(channels, np.float32), "m": np.int32(m)}
        cases.append((Launch((channels,), (128,), arguments, order), x.mean(axis=1)))
    found = ran(f(), "channel_mean", [c[0] for c in cases])
    for one, (launch, right) in zip(found, cases, strict=True):
        m = int(launch.arguments["m"])
        expect_result(one, launch, "mean", right, {"that is the sum": right * m})
    expect_shared_out(found[0], "load", 10, 4, ALONE)


def _check_four(f: Source) -> None:
    sizes = ((1024, 4, 64), (1000, 2, 128), (3000, 3, 64), (5, 1, 32))
    cases = [_add_relu_launch(*c) for c in sizes]
    found = ran(f(), "add_relu", [c[0] for c in cases])
    for one, (launch, right) in zip(found[:2], cases, strict=False):
        expect_result(one, launch, "y", right)
    expect_cheap(found[0], "global", "sectors", NEIGHBOURLY)
    for one, (launch, right) in zip(found[2:], cases[2:], strict=True):
        expect_result(one, launch, "y", right)
    expect_shared_out(found[0], "store", 8, 2, ALONE)


def _check_ways(f: Callable[..., Any]) -> None:
    for pitch in (32, 33, 1, 2, 48, 64, 36, 31, 40):
        right = math.gcd(pitch, 32)
        expect_number(
            f(pitch), right, 1e-12, f"pitch {pitch}",
            mistakes={
                "that is the number of different banks; how many threads share one?": 32 // right,
                "look at the banks of threads 0 to 31: r * pitch % 32": pitch % 32,
                "that is the pitch": pitch if pitch != right else math.nan,
            },
        )  # fmt: skip


def _check_transpose(f: Source) -> None:
    rng, cases = np.random.default_rng(6), []
    for rows, columns, order in ((64, 64, 0), (33, 70, 1), (5, 32, 0), (32, 1, 2)):
        x = rng.standard_normal((rows, columns), dtype=np.float32)
        arguments = {"x": x, "y": np.zeros((columns, rows), np.float32), "rows": np.int32(rows),
                     "columns": np.int32(columns)}  # fmt: skip
        grid = (-(-columns // 32), -(-rows // 32))
        cases.append((Launch(grid, (32, 8), arguments, order), x.T))
    found = ran(f(), "transpose", [c[0] for c in cases])
    for one, (launch, right) in zip(found, cases, strict=True):
        expect_result(one, launch, "y", right)
    for space, what in (("global", "sectors"), ("shared", "turns at a bank")):
        expect_cheap(found[0], space, what)
    expect_shared_out(found[0], "store", 32, 2, ALONE)


def _check_product(f: Source) -> None:
    rng, cases = np.random.default_rng(7), []
    for m, k, n, order in ((32, 64, 32, 0), (17, 5, 33, 1), (40, 100, 16, 2), (1, 1, 1, 0)):
        a = rng.standard_normal((m, k), dtype=np.float32)
        b = rng.standard_normal((k, n), dtype=np.float32)
        arguments: dict[str, Any] = {"a": a, "b": b, "y": np.zeros((m, n), np.float32)}
        arguments |= {name: np.int32(v) for name, v in (("m", m), ("k", k), ("n", n))}
        launch = Launch((-(-n // 16), -(-m // 16)), (16, 16), arguments, order)
        cases.append((launch, np.maximum(a @ b, 0)))
    found = ran(f(), "product", [c[0] for c in cases])
    for one, (launch, right) in zip(found, cases, strict=True):
        plain = launch.arguments["a"] @ launch.arguments["b"]
        expect_result(one, launch, "y", right, {"where is the ReLU?": plain})
    naive = 8 * 2 * 64  # 8 warps, two loads for each of 64 products
    mine = requests(found[0], "load")
    require(
        mine <= naive / 8,
        f"all numbers are right, but a block makes {mine} requests to global memory where the "
        f"plain kernel makes {naive}: load a tile of a and one of b into shared memory, once each",
    )
    expect_cheap(found[0], "global", "sectors", NEIGHBOURLY, ["load"])


def _tile(peak: float, bandwidth: float) -> int:
    tile = 1
    while tile / 4 < peak / bandwidth:
        tile *= 2
    return tile


def _check_tile(f: Callable[..., Any]) -> None:
    for peak, bandwidth in ((1e13, 1e12), (6e13, 3e12), (1.9e12, 1e12), (7e12, 1e12), (1e11, 1e12)):
        right = _tile(peak, bandwidth)
        expect_number(
            f(peak, bandwidth), right, 1e-12, f"{peak:g} FLOP/s and {bandwidth:g} bytes/s",
            mistakes={
                "a number has 4 bytes": right // 4 if right >= 4 else math.nan,
                "a product that is added is two FLOPs": 2 * right,
                "that is where the two limits meet; which power of two is the first from there on?":
                    4 * peak / bandwidth,
                "one power of two too small: there the memory is still the limit":
                    right // 2 if right > 1 else math.nan,
            },
        )  # fmt: skip


EXERCISES = {
    "17.1": Exercise(
        _check_plan,
        _plan,
        hints=(
            "How many whole blocks fit into n, and is there a rest?",
            "blocks is n / size, rounded up: -(-n // size). All blocks have size threads.",
            "The last element has the index n - 1: its block is (n - 1) // size, its thread "
            "(n - 1) % size.",
        ),
        kind="number",
        wrong=(
            lambda n, size: (n // size, n % size, n // size, n % size),
            lambda n, size: (n // size + 1, (n // size + 1) * size - n, n // size, n % size),
        ),
    ),
    "17.2": Exercise(
        _check_add_relu,
        lambda: ADD_RELU,
        hints=(
            "Which threads have nothing to do, and how can one of them know it?",
            "A thread whose i is not below n must not touch any array.",
            "Put `if (i < n)` in front of the line that reads x and f and writes y.",
        ),
        kind="line",
        wrong=(
            lambda: _changed(ADD_RELU, "if (i < n) ", ""),
            lambda: _changed(ADD_RELU, "i < n", "i <= n"),
            lambda: _changed(ADD_RELU, "i < n", "i < n - 1"),
            lambda: _changed(ADD_RELU, "blockDim.x", "128"),
        ),
    ),
    "17.3": Exercise(
        _check_mean,
        lambda: MEAN,
        hints=(
            "In the second round thread 127 reads part[95]. Who has written it, and when?",
            "Each round must be over for all threads before one of them begins the next. What "
            "makes all threads of a block wait for each other?",
            "`__syncthreads();` at the end of the loop's body, behind the `if` and not inside it.",
        ),
        kind="bug",
        wrong=(
            lambda: _changed(MEAN, "half];\n        __syncthreads();", "half];"),
            lambda: _changed(
                MEAN,
                "part[t] += part[t - half];\n        __syncthreads();",
                "{ part[t] += part[t - half]; __syncthreads(); }",
            ),
            lambda: _changed(MEAN, "part[t] = sum;\n    __syncthreads();", "part[t] = sum;"),
        ),
    ),
    "17.4": Exercise(
        _check_four,
        lambda: FOUR,
        hints=(
            "Look at a warp in the first iteration: which elements do threads 0, 1 and 2 read?",
            "Thread t should begin at element t. Where is its next one, if the threads in between "
            "are all served?",
            "There are gridDim.x * blockDim.x threads: begin at blockIdx.x * blockDim.x + "
            "threadIdx.x, go in steps of that number, as long as i < n.",
        ),
        kind="function",
        wrong=(
            lambda: NEIGHBOURS,
            lambda: _changed(FOUR, "i += all", "i += blockDim.x"),
            lambda: _changed(FOUR, "i < n;", "i < n / 2;"),
            lambda: _changed(  # all by the first block
                _changed(FOUR, "gridDim.x * blockDim.x", "blockDim.x"),
                "blockIdx.x * blockDim.x",
                "blockIdx.x * n",
            ),
        ),
    ),
    "17.5": Exercise(
        _check_ways,
        lambda pitch: math.gcd(pitch, 32),
        hints=(
            "Thread r reads the word r * pitch. In which bank does it lie?",
            "In bank r * pitch % 32. Take pitch 2, 4 and 3: how many different banks are there?",
            "32 / gcd(pitch, 32) different banks, so gcd(pitch, 32) threads share each.",
        ),
        kind="line",
        wrong=(
            lambda pitch: 32 // math.gcd(pitch, 32),
            lambda pitch: pitch % 32,
            lambda pitch: 32 if pitch % 32 == 0 else 1,
        ),
    ),
    "17.6": Exercise(
        _check_transpose,
        lambda: TRANSPOSE,
        hints=(
            "What is the pitch of the tile, and how many ways does your formula give for it?",
            "One more float in each row, which nobody uses, changes the pitch.",
            "`__shared__ float tile[32][33];`",
        ),
        kind="line",
        wrong=(
            lambda: _changed(TRANSPOSE, "[33]", "[32]"),
            lambda: _changed(TRANSPOSE, "[33]", "[31]"),
            lambda: _changed(TRANSPOSE, "tile[threadIdx.x][i]", "tile[i][threadIdx.x]"),
        ),
    ),
    "17.7": Exercise(
        _check_product,
        lambda: PRODUCT,
        hints=(
            "Let j go through k in steps of 16. In each step every thread loads one number of a "
            "and one of b, into __shared__ float ta[16][16], tb[16][16].",
            "ta[ty][tx] is a[row][j + tx] and tb[ty][tx] is b[j + ty][column], or 0 outside of the "
            "matrices. Then a barrier; then 16 products from shared memory; then another barrier.",
            "All threads have to come to both barriers, so no thread may return early: guard the "
            "loads with `? :` and the store with `if (row < m && column < n)`.",
        ),
        kind="function",
        wrong=(
            lambda: NAIVE,
            lambda: _changed(PRODUCT, "tb[i][tx];\n        __syncthreads();", "tb[i][tx];"),
            lambda: _changed(PRODUCT, "row < m && j + tx < k ?", "row < m ?"),
            lambda: _changed(PRODUCT, "j < k; j", "j < 64; j"),
        ),
    ),
    "17.8": Exercise(
        _check_tile,
        _tile,
        hints=(
            "For n × n matrices: how many FLOPs are there, and how many numbers are loaded if each "
            "tile of T × T is loaded once for T products?",
            "2 n³ FLOPs, and 2 n³ / T numbers of 4 bytes: T / 4 FLOPs for each byte.",
            "Start at T = 1 and double it as long as T / 4 is below peak / bandwidth.",
        ),
        kind="design",
        wrong=(
            lambda peak, bandwidth: 4 * peak / bandwidth,
            lambda peak, bandwidth: max(1, _tile(peak, bandwidth) // 4),
            lambda peak, bandwidth: 2 * _tile(peak, bandwidth),
        ),
    ),
}
