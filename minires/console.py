"""A process and its three streams, whatever these are: closed, full, without a reader, in ASCII."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shlex
import sys
import unicodedata
from collections.abc import Callable
from typing import Any, NoReturn

process = False  # whether the command is what this process does, and nothing else
typed: list[str] = sys.argv[1:]  # the words of the command that runs, as `main` was given them

WRONG_CALL, INTERRUPTED, READER_GONE = 2, 130, 141  # exit codes, the last two as a shell has them

_TABLE = """
    ‖ |  ∂ d  × x  · *  ⊙ *  ⋆ *  µ u  – -  — -  − -  ⟨ <  ⟩ >  █ #  ─ -  │ |  ≈ ~  ≤ <=  ≥ >=
    ± +-  → ->  ← <-  ≠ !=  √ sqrt  Σ sum  ∇ grad  ∞ inf  ᵀ ^T  ° deg  § section  ‘ '  ’ '  “ "  ” "
    ⎡ [  ⎢ [  ⎣ [  ⎤ ]  ⎥ ]  ⎦ ]  ⌈ ceil(  ⌉ )  ⌊ floor(  ⌋ )  α alpha  β beta  γ gamma  δ delta
    Δ Delta  ε eps  η eta  θ theta  λ lambda  μ mu  π pi  ρ rho  σ sigma  τ tau  φ phi  χ chi
    ζ zeta  ι iota  κ kappa  ν nu  ξ xi  υ upsilon  ψ psi  ω omega  Γ Gamma  Θ Theta  Λ Lambda
    Ξ Xi  Π Pi  Φ Phi  Ψ Psi  Ω Omega  ′ '  • *  ∗ *  ∘ o  ∏ prod  ∫ int  ∛ cbrt  ∈ in  ∉ not_in
    ⊂ subset  ⊆ subset=  ∪ |  ∩ &  ∖ \\  ÷ /  ∓ -+  ∝ ~  ≃ ~=  ≡ ==  ≪ <<  ≫ >>  ↦ |->  ⇒ =>  ⇔ <=>
    ⊕ (+)  ⊗ (x)  ⋯ ...  ⋮ :  ∀ for_all  ∃ exists  ∅ {}  ✓ ok  \u0302 ^  \u0303 ~  \u0304 _
    \u0307 .  \u20d7 >
"""
_STAND_INS = dict(zip(_TABLE.split()[::2], _TABLE.split()[1::2], strict=True))


def command() -> str:
    """Return the command that runs, as one types it."""
    return shlex.join(["minires", *typed])


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Put something readable for one character that the stream's encoding lacks: d for ∂."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    c = error.object[error.start]
    if "\udc80" <= c <= "\udcff":  # a byte of a file's name that is no text
        return bytes([ord(c) - 0xDC00]), error.start + 1
    parts = unicodedata.normalize("NFKD", c) if c not in _STAND_INS else c
    plain = "".join(_STAND_INS.get(part) or part * part.isascii() for part in parts)
    return plain or _escape(c), error.start + 1


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Put \u2202 for ∂, which within the strings of JSON is the same."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_escape, error.object[error.start : error.end])), error.end


def _escape(c: str) -> str:
    units = c.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


codecs.register_error("minires.readable", _readable)
codecs.register_error("minires.json", _escaped)


class OutputLost(Exception):
    """Standard output does not take what is printed, because of the OSError `reason`.

    Not an OSError itself: nobody who expects one from a file shall catch it.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(f"standard output: {reason.strerror}")
        self.reason = reason


class _Output(io.TextIOWrapper):
    """Standard output, which raises OutputLost."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise OutputLost(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise OutputLost(error) from None


def take_any_text(json: bool = False) -> bool:
    """Let the streams of this process take any text; return False if standard output is closed.

    A closed stream becomes the null device: else the next file that is opened would take its place.
    """
    was_open = sys.stdout is not None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream, errors in (
        (sys.stdout, "minires.json" if json else "minires.readable"),
        (sys.stderr, "minires.readable"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
    return was_open


def say(text: str) -> None:
    """Print a line on standard error, if that takes it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _to_nowhere(sys.stderr)


def run(main: Callable[[], Any], program: str = "minires") -> NoReturn:
    """Leave the process with the code that `main` returns; say what is wrong with its output."""
    if not take_any_text():
        say(f"{program}: error: standard output is closed; redirect it to a file or to /dev/null")
        sys.exit(WRONG_CALL)
    out: Any = sys.stdout
    sys.stdout = _Output(
        out.buffer,
        encoding=out.encoding,
        errors=out.errors,
        line_buffering=out.line_buffering,
        write_through=out.write_through,
    )
    try:
        code = _code_of(main)
        sys.stdout.flush()
    except OutputLost as error:
        _to_nowhere(sys.stdout)
        code = WRONG_CALL
        if isinstance(error.reason, BrokenPipeError):
            code = READER_GONE  # quietly
        else:
            say(f"{program}: error: {error}")
    try:
        sys.stderr.flush()
    except OSError:
        _to_nowhere(sys.stderr)
    sys.exit(code)


def _code_of(main: Callable[[], Any]) -> int:
    try:
        return int(main() or 0)
    except SystemExit as stop:  # argparse, or a lesson's script
        if isinstance(stop.code, str):
            say(stop.code)
            return WRONG_CALL
        return stop.code or 0
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED


def _to_nowhere(stream: Any) -> None:
    """Send to the null device what a stream still holds: Python flushes it at the end."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
