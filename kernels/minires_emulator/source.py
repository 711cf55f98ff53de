"""The text of a .cu file: what little has to be changed in it, and which kernels it holds.

Two things differ between CUDA C++ and C++ in a way that no macro can bridge, and are rewritten in
place, on the same line: `extern __shared__ T name[]`, and `#pragma unroll` for g++.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Comments, raw strings, strings, characters. Each alternative matches what it begins, if need be to
# the end: so that no text takes more than linear time.
HIDDEN = re.compile(
    r"//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z)"
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?(?:\)(?P=mark)"|\Z)'
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'?",
    re.S,
)
_DYNAMIC = re.compile(
    r"\bextern\b((?:[^;{}()\[\]\"]|\([^()]{0,99}\)){0,200}?)\b__shared__\b"
    r"([^;{}\[\]\"]{0,120}?)\b(\w+)\s*\[\s*\]((?:\s*\[[^\[\]]*\])*)\s*;"
)
_ALIGNMENT = re.compile(r"\b(?:__align__|alignas)\s*\([^()]*(?:\([^()]*\))?[^()]*\)")
_UNROLL = re.compile(
    r"^([ \t]*#[ \t]*pragma[ \t]+)unroll\b[ \t]*(\(?[ \t]*\w*[ \t]*\)?)[ \t]*$", re.M
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
_TOKEN = re.compile(r'extern\s*"C"|__global__|[{};]')
KERNEL = re.compile(
    r"__global__\s+(?:(?:static|inline|void|__noinline__|__launch_bounds__\s*"
    r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))\s*)*(\w+)\s*\("
)


@dataclass(frozen=True)
class Source:
    """C++ text made from the user's code, and its kernels: the extern "C" ones, and others."""

    text: str
    kernels: tuple[str, ...]
    others: tuple[str, ...]


def read(code: str, *, gnu: bool) -> Source:
    """Translate CUDA C++ into C++ for g++ (`gnu`) or clang++. Lines keep their numbers."""
    visible = blank_hidden(code)
    edits = [_dynamic_shared(m) for m in _DYNAMIC.finditer(visible)]
    if gnu:
        edits += [_unroll(m) for m in _UNROLL.finditer(visible)]
    text = code
    for begin, end, replacement in sorted(edits, reverse=True):
        text = text[:begin] + replacement + text[end:]
    first = re.search(r"\S[^\n]*", visible)
    if first is None or not re.match(r"#[ \t]*line\b", first[0]):
        text = f'#line 1 "kernel.cu"\n{text}'
    return Source(text, *_kernels(DIRECTIVE.sub("", visible)))


def blank_hidden(code: str) -> str:
    """Replace comments and strings by blanks of the same length; `"C"` stays."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[0] == '"C"' else re.sub(r"[^\n]", " ", match[0])

    return HIDDEN.sub(blank, code)


def _dynamic_shared(match: re.Match[str]) -> tuple[int, int, str]:
    """A pointer to dynamic shared memory: on a GPU, too, all such arrays begin at its start."""
    before, after, name, dimensions = match.groups()
    kind = " ".join(_ALIGNMENT.sub(" ", f"{before} {after}").split())
    if dimensions.strip():
        dimensions = " ".join(dimensions.split())
        text = f"static {kind} (*const {name}){dimensions} = ({kind} (*){dimensions})"
    else:
        text = f"static {kind} *const {name} = ({kind} *)"
    newlines = "\n" * match[0].count("\n")
    return match.start(), match.end(), f"{text}emulator_dynamic_shared;{newlines}"


def _unroll(match: re.Match[str]) -> tuple[int, int, str]:
    """As g++ spells it. A count that is not a number is left out: unrolling changes no result."""
    count = match[2].strip("() \t")
    if count and not count.isdecimal():
        return match.start(), match.end(), ""
    return match.start(), match.end(), f"{match[1]}GCC unroll {min(int(count or 64), 65534)}"


def _kernels(visible: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kernels that are extern "C", by themselves or in a block, and the others."""
    extern_c: dict[str, None] = {}
    others: dict[str, None] = {}
    blocks: list[bool] = []  # of the braces that are open: whether they are extern "C" {
    statement = False  # whether it began with extern "C"
    for token in _TOKEN.finditer(visible):
        text = token[0]
        if text[0] == "_":
            if kernel := KERNEL.match(visible, token.start()):
                (extern_c if statement or any(blocks) else others)[kernel[1]] = None
        elif text[0] == "e":
            statement = True
        else:
            if text == "{":
                blocks.append(statement and _is_block(visible, token.start()))
            elif text == "}" and blocks:
                blocks.pop()
            statement = False
    return tuple(extern_c), tuple(others)


def _is_block(visible: str, brace: int) -> bool:
    """Tell extern "C" { from the body of a function that is extern "C"."""
    return visible[max(0, brace - 200) : brace].rstrip().endswith('"C"')
