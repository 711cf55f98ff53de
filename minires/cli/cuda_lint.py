"""`minires cuda-lint`: compile a CUDA file for several GPUs, run its kernels checked on the CPU."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from .arguments import positive_float, positive_int

_DESCRIPTION = """\
Look for mistakes in a CUDA C++ file, without a GPU. Its kernels are compiled with NVRTC, which
tells their registers and spills, and run in an emulator that reports races, accesses out of bounds,
shared memory that nobody wrote, barriers that not all threads reach, and more."""

_EPILOG = """\
Every __global__ function is looked at; a template only as the instantiations that are named, with
--kernel or by a comment in the file. How a kernel is launched is said by a comment, too:

  // lint: kernel scale<double>
  // lint: launch scale<float> grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..2000 a=0.5
  template <class T> __global__ void scale(const T* x, T* y, int n, T a) { ... }

A launch gives a value to each parameter, to grid and block (up to three sizes: grid=8,c), to shared
(bytes of dynamic shared memory), and to any variable that other values use. Values are
  ceil(n/128)        numbers, earlier names, + - * / // % ceil() min() max(); inf and nan
  1..2000, 0.0..1.0  a random number from the range, ends included
  float[n*c]         an array of normal numbers (integers: 0 and 1); also double, int, float4, ...
  int[n] in 0..c-1   an array of numbers from the range
  {int n, float 0.5} a struct by value
  null               a null pointer
A launch with ranges runs five times: with the low ends, the high ends, and random numbers. Without
a launch one is guessed: arrays of n elements, integers equal to n, for each n of --n; a report may
then come from the guess. What kernels print is not shown.

exit codes: 0  all was looked at, and nothing but warnings was found
            1  errors, or something that could not be looked at (a template without instantiation,
               no NVRTC, no C++ compiler; leave a part out with --no-compile or --no-check)
            2  wrong call: no such file, no kernel, a launch that does not fit

example: minires cuda-lint scale.cu --kernel "scale<float>" --arch sm_80,sm_90 --profile"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "cuda-lint",
        help="compile CUDA kernels without a GPU and run them checked on the CPU",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("file", type=Path, metavar="FILE", help="a .cu file")
    p.add_argument("--kernel", nargs="+", action="extend", default=[], metavar="NAME",
                   help='look at these only, e.g. "conv<float, 16>"')  # fmt: skip
    p.add_argument("--launch", nargs="+", action="extend", default=[], metavar="SPEC",
                   help="a launch, instead of the file's for this kernel")  # fmt: skip
    p.add_argument("--arch", type=architectures, metavar="SM,…",
                   help="compile for these. Default: sm_75,sm_80,sm_90,sm_120")  # fmt: skip
    p.add_argument("-D", dest="define", action="append", default=[], type=definition,
                   metavar="NAME[=VALUE]", help="define a macro")  # fmt: skip
    p.add_argument("-I", dest="include", action="append", default=[], type=folder, metavar="DIR",
                   help="search DIR for included files, as the file's own folder is")  # fmt: skip
    p.add_argument("--n", type=sizes, default=[1, 31, 32, 33, 1000], metavar="N,…",
                   help="sizes of guessed launches. Default: 1,31,32,33,1000")  # fmt: skip
    p.add_argument("--block", type=positive_int, default=128, metavar="N",
                   help="threads per block of guessed launches. Default: 128")  # fmt: skip
    p.add_argument("--orders", type=positive_int, default=3, metavar="N",
                   help="run each launch in N orders of its threads: ascending, descending, then "
                   "shuffled. Default: 3")  # fmt: skip
    p.add_argument("--seed", type=seed, default=0, metavar="N",
                   help="of random launches, values and orders. Default: 0")  # fmt: skip
    p.add_argument("--limit", type=positive_float, default=20.0, metavar="SECONDS",
                   help="stop a run after this time. Default: 20")  # fmt: skip
    p.add_argument("--profile", action="store_true",
                   help="show per line the memory transactions, relative to the fewest possible: "
                   "bank conflicts and accesses that do not coalesce")  # fmt: skip
    p.add_argument("--no-compile", action="store_true", help="do not compile with NVRTC")
    p.add_argument("--no-check", action="store_true", help="do not run the kernels")
    p.add_argument("--json", action="store_true", help="print JSON")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found; return 0 if that is nothing but warnings."""
    from minires.lint import report
    from minires.lint.lint import Settings, lint

    if args.no_compile and args.no_check:
        raise ValueError("--no-compile and --no-check together leave nothing to do")
    settings = Settings(
        names=args.kernel,
        launches=args.launch,
        archs=args.arch,
        sizes=args.n,
        block=args.block,
        orders=args.orders,
        seed=args.seed,
        limit=args.limit,
        options=[f"-D{d}" for d in args.define] + [f"-I{f}" for f in args.include],
        profile=args.profile,
        compile=not args.no_compile,
        check=not args.no_check,
    )
    result = lint(args.file, settings)
    print(report.to_json(result) if args.json else report.text(result))
    return 0 if result.clean else 1


def architectures(text: str) -> list[str]:
    """Parse "sm_80,sm_90a"."""
    found = text.split(",")
    for arch in found:
        if not re.fullmatch(r"sm_\d{2,3}[af]?", arch):
            raise argparse.ArgumentTypeError(f"expected sm_75, sm_90 or the like, got {arch!r}")
    return list(dict.fromkeys(found))


def definition(text: str) -> str:
    """Parse a macro's definition, "TILE=16"."""
    if not re.fullmatch(r"[A-Za-z_]\w*(=[^\n\0]*)?", text):
        raise argparse.ArgumentTypeError(f"expected NAME or NAME=VALUE, got {text!r}")
    return text


def folder(text: str) -> str:
    """Parse the name of a folder that exists; return its absolute path."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return str(path.resolve())


def seed(text: str) -> int:
    """Parse an integer from 0 to 2**31 - 1."""
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to 2**31 - 1, got {text!r}")
    return int(text)


def sizes(text: str) -> list[int]:
    """Parse "1,31,1000"."""
    return [positive_int(part) for part in text.split(",")]
