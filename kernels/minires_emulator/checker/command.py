"""The command: `minires cuda-check FILE.cu`, or `python -m minires_emulator FILE.cu`."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from . import report
from .check import Settings, check_file

HELP = "compile CUDA kernels without a GPU and run them checked on the CPU"
DESCRIPTION = """\
Look for mistakes in a CUDA C++ file, without a GPU. Its kernels are compiled with NVRTC, which
tells their registers and spills, and run in an emulator that reports races, accesses out of bounds,
shared memory that nobody wrote, barriers that not all threads reach, and more."""
EPILOG = """\
Every __global__ function is looked at; a template only as the instantiations that are named, with
--kernel or by a comment in the file. How a kernel is launched is said by a comment, too:

  // check: kernel scale<double>
  // check: launch scale<float> grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..2000 a=0.5
  template <class T> __global__ void scale(const T* x, T* y, int n, T a) { ... }

A launch gives a value to each parameter, to grid and block (up to three sizes: grid=8,c), to shared
(bytes of dynamic shared memory), and to any variable that other values use. Values are
  ceil(n/128)        numbers, earlier names, + - * / // % ceil() min() max(); inf and nan
  1..2000, 0.0..1.0  a random number from the range, ends included
  float[n*c]         an array of normal numbers (integers: 0 and 1); also double, int, float4, ...
  int[n] in 0..c-1   an array of numbers from the range
  null               a null pointer
A launch with ranges runs five times: with the low ends, the high ends, and random numbers; each
time with the threads in ascending, in descending and in a shuffled order. Without a launch one is
guessed: arrays of n elements, integers equal to n, for each n of --n; a report may then come from
the guess. What kernels print is not shown.

exit codes: 0  all was looked at, and nothing but warnings was found
            1  errors, or something that could not be looked at (a template without instantiation,
               no NVRTC, no C++ compiler; leave a part out with --no-compile or --no-check)
            2  wrong call: no such file, no kernel, a launch that does not fit

example: minires cuda-check scale.cu --kernel "scale<float>" --arch sm_80,sm_90 --profile"""


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Add what the command takes to a parser."""
    p.description, p.epilog = DESCRIPTION, EPILOG
    p.formatter_class = argparse.RawDescriptionHelpFormatter
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
    p.add_argument("--limit", type=seconds, default=20.0, metavar="SECONDS",
                   help="stop a run after this time. Default: 20")  # fmt: skip
    p.add_argument("--profile", action="store_true",
                   help="show per line the memory transactions, relative to the fewest possible: "
                   "bank conflicts and accesses that do not coalesce")  # fmt: skip
    p.add_argument("--no-compile", action="store_true", help="do not compile with NVRTC")
    p.add_argument("--no-check", action="store_true", help="do not run the kernels")
    p.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print what was found; return 0 if that is nothing but warnings."""
    if args.no_compile and args.no_check:
        raise ValueError("--no-compile and --no-check together leave nothing to do")
    settings = Settings(
        names=args.kernel,
        launches=args.launch,
        archs=args.arch,
        sizes=args.n,
        limit=args.limit,
        options=[f"-D{d}" for d in args.define] + [f"-I{f}" for f in args.include],
        profile=args.profile,
        compile=not args.no_compile,
        check=not args.no_check,
    )
    result = check_file(args.file, settings)
    print(report.to_json(result) if args.json else report.text(result))
    return 0 if result.clean else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command by itself, without minires; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m minires_emulator", allow_abbrev=False)
    add_arguments(parser)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot write "…"
            stream.reconfigure(errors="backslashreplace")
    try:
        return run(parser.parse_args(argv))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


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


def seconds(text: str) -> float:
    """Parse a positive number."""
    if not re.fullmatch(r"\d*\.?\d+", text) or not 0 < float(text) < 1e6:
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds, got {text!r}")
    return float(text)


def sizes(text: str) -> list[int]:
    """Parse "1,31,1000"."""
    if not re.fullmatch(r"\d+(,\d+)*", text) or "0" in text.split(","):
        raise argparse.ArgumentTypeError(f"expected positive integers, as 1,32,1000; got {text!r}")
    return [int(part) for part in text.split(",")]
