"""Formulas in a small part of LaTeX, as one reads them in plain text: ∂L/∂xₗ₋₁, √(n Var(w)).

A formula is a row of pieces of text with roles, which say where spaces and brackets are needed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from . import symbols
from .symbols import Piece

_TOKEN = re.compile(r"\\(?:[a-zA-Z]+\*?|.|\n)|\s+|[{}^_&]|\d+(?:[.,]\d+)*|.", re.DOTALL)


class FormulaError(ValueError):
    """A formula that is not in the part of LaTeX that is understood here."""


def inline(tex: str, scripts: bool = True) -> str:
    """Return a formula as one line; `scripts` False writes x_(l−1) for xₗ₋₁.

    Raises FormulaError for a command that is not known here, and for brackets that do not match.
    """
    return _Reader(tex, scripts).whole()


def display(tex: str, scripts: bool = True) -> list[str]:
    """Return a formula as lines, split at `\\\\` and aligned at `&`."""
    tex = re.sub(r"\\(begin|end)\s*\{(aligned|align|align\*|gathered|split)\}", "", tex)
    rows = [
        [inline(cell, scripts) for cell in re.split(r"(?<!\\)&", row)]
        for row in re.split(r"\\\\(?:\[[^]]*\])?", tex)
        if row.strip()
    ]
    columns = max(map(len, rows), default=0)
    widths = [max(width(r[i]) for r in rows if i < len(r)) for i in range(columns)]
    lines = []
    for row in rows:
        line = ""
        for i, cell in enumerate(row):
            room = " " * (widths[i] - width(cell))
            line += room + cell if i % 2 == 0 else (" " if cell else "") + cell + room
        lines.append(line.rstrip())
    return lines


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


class _Reader:
    def __init__(self, tex: str, scripts: bool) -> None:
        self.tokens = _TOKEN.findall(tex.strip())
        self.at, self.scripts, self.tex = 0, scripts, tex

    def whole(self) -> str:
        pieces = self.row("")
        if self.at < len(self.tokens):
            raise FormulaError(f"a bracket that was not opened, in ${self.tex}$")
        return joined(pieces)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        if self.at > len(self.tokens):
            raise FormulaError(f"it ends too early: ${self.tex}$")
        return str(self.tokens[self.at - 1])

    def row(self, end: str) -> list[Piece]:
        """Read up to the token `end`, which is taken too, or to the end of the formula."""
        pieces: list[Piece] = []
        while self.at < len(self.tokens) and self.peek() != "}":
            if self.peek().isspace():
                self.next()
                pieces.append(Piece(" ", "space"))
            elif self.peek() in ("^", "_"):
                self.script(pieces)
            else:
                pieces += self.item()
        if end and self.next() != end:
            raise FormulaError(f"a bracket that is not closed, in ${self.tex}$")
        return pieces

    def argument(self) -> list[Piece]:
        """Read what a command or a script applies to: a token, or a group in braces."""
        while self.peek().isspace():
            self.next()
        if self.peek()[:1].isdigit():  # \frac12 is a half
            first, self.tokens[self.at] = self.peek()[0], self.peek()[1:]
            self.at += not self.peek()
            return [Piece(first, "num")]
        return self.item()

    def item(self) -> list[Piece]:
        token = self.next()
        if token == "{":
            group = self.row("}")
            return [Piece(group[0].text, "num")] if is_comma(group) else group
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return [Piece(token, "num")]
        return [Piece(symbols.STANDS_FOR.get(token, token), symbols.CHARACTERS.get(token, "ord"))]

    def command(self, name: str) -> list[Piece]:
        if name in symbols.SPACES:
            return [Piece(symbols.SPACES[name], "space")] if symbols.SPACES[name] else []
        if name in symbols.COMMANDS:
            return [symbols.COMMANDS[name]]
        if name in symbols.NOTHING:
            if self.peek() == ".":  # \left. and \right.
                self.next()
            return []
        if name in ("frac", "tfrac", "dfrac"):
            return [fraction(self.argument(), self.argument())]
        if name == "sqrt":
            return [self.root()]
        if name in symbols.ACCENTS:
            return [accented(joined(self.argument()), name)]
        if name in symbols.UPRIGHT:
            return [Piece(self.plain(), "func" if name == "operatorname" else "ord")]
        if name in ("underbrace", "overbrace"):
            return self.brace()
        if name in ("{", "}"):
            return [Piece(name, "open" if name == "{" else "close")]
        if name == "|":
            return [Piece("‖")]
        if len(name) == 1 and not name.isalpha():
            return [Piece(name)]
        raise FormulaError(f"\\{name} is not known, in ${self.tex}$")

    def plain(self) -> str:
        """Read an argument as it stands, with its spaces."""
        while self.peek().isspace():
            self.next()
        if self.peek() != "{":
            return joined(self.item())
        self.next()
        text, depth = "", 1
        while depth:
            token = self.next()
            depth += (token == "{") - (token == "}")
            text += token if token not in "{}" else ""
        return re.sub(r"\\([a-zA-Z]*)[ ,;]?", "", text)

    def root(self) -> Piece:
        degree = ""
        if self.peek() == "[":
            self.next()
            while (token := self.next()) != "]":
                degree += token
        sign = {"": "√", "3": "∛", "4": "∜"}.get(degree)
        inner = self.argument()
        bare = self.scripts and is_atom(inner)  # else √n would become sqrtn
        text = joined(inner) if bare else f"({joined(inner)})"
        return Piece(f"{sign}{text}" if sign else f"{joined(inner)}^(1/{degree})")

    def brace(self) -> list[Piece]:
        inner = self.argument()
        if self.peek() in ("_", "^"):
            self.next()
            return [*inner, Piece(" ", "space"), Piece(f"[{joined(self.argument())}]")]
        return inner

    def script(self, pieces: list[Piece]) -> None:
        """Put a subscript or a superscript to the piece before it."""
        below = self.next() == "_"
        text = joined(self.argument())
        while pieces and pieces[-1].role == "space":
            pieces.pop()
        base = pieces.pop() if pieces else Piece("")
        if base.role == "frac" or (base.text[:1] == "√" and not below):
            base = Piece(f"({base.text})")
        role = base.role if base.role in ("func", "sum", "close", "prefix") else "ord"
        pieces.append(Piece(base.text + self.scripted(text, below), role))

    def scripted(self, text: str, below: bool) -> str:
        text = text.replace(" ", "")
        table = symbols.SUBSCRIPTS if below else symbols.SUPERSCRIPTS
        if text in ("ᵀ", "′") and not below:
            return text if self.scripts or text == "′" else "^T"
        if self.scripts and all(c in table for c in text):
            return "".join(table[c] for c in text)
        short = width(text) == 1 or text.isdigit() or (below and text.isalpha())
        return ("_" if below else "^") + (text if short else f"({text})")


def joined(pieces: Sequence[Piece]) -> str:
    """Return a row of pieces as text, with spaces where their roles need or allow them."""
    pieces = _solid(pieces)
    text, before = "", Piece("", "start")
    space = False
    for i, piece in enumerate(pieces):
        if piece.role == "space":
            space = True
            if "\u2003" in piece.text:
                text = text.rstrip() + "   "
            continue
        after = next((p for p in pieces[i + 1 :] if p.role != "space"), Piece("", "end"))
        piece = _roled(piece, before, after)
        if (
            text
            and not text.endswith(" ")
            and (_apart(before, piece) or (space and _may(before, piece)))
        ):
            text += " "
        text += piece.text
        before, space = piece, False
    return re.sub(r"(?<=\S) +(?=[,.;])", "", text.replace("\u2003", "  ")).strip()


def _solid(pieces: Sequence[Piece]) -> list[Piece]:
    """Put brackets around each fraction that another factor or a slash follows."""
    found = list(pieces)
    for i, piece in enumerate(found):
        rest = [p for p in found[i + 1 :] if not (p.role == "space" and "\u2003" not in p.text)]
        follows = rest[0] if rest else Piece("", "end")
        factor = follows.role in ("ord", "num", "open", "prefix", "func", "sum", "frac")
        if piece.role == "frac" and (
            (factor and (follows.role == "open" or follows.text not in ("|", "‖")))
            or follows.text == "/"
        ):
            found[i] = Piece(f"({piece.text})")
    return found


def _roled(piece: Piece, before: Piece, after: Piece) -> Piece:
    """Return the piece with its role here: a sign is no binary operator, `/` has no spaces."""
    if piece.role != "bin":
        return piece
    if piece.text == "/":
        return replace(piece, role="tight")
    if (
        before.role in ("start", "bin", "rel", "open", "punct", "sign", "tight")
        or after.role == "end"
    ):
        return replace(piece, role="sign")
    return piece


def _apart(a: Piece, b: Piece) -> bool:
    """Return whether two neighbours have a space between them always."""
    if "bin" in (a.role, b.role) or "rel" in (a.role, b.role):
        return True
    if a.role == "punct":
        return True
    if b.role in ("func", "sum"):
        return a.role in ("ord", "num", "close", "frac", "func", "sum")
    return a.role in ("func", "sum") and b.role in ("ord", "num", "prefix", "frac", "sum")


def _may(a: Piece, b: Piece) -> bool:
    """Return whether a space that the author wrote is kept."""
    return (
        a.role not in ("open", "prefix", "sign", "tight", "start")
        and b.role not in ("close", "punct", "tight")
        and not (a.role == "func" and b.role == "open")
    )


def is_comma(pieces: Sequence[Piece]) -> bool:
    """Return whether a group is the comma or the point of a number: 1{,}000."""
    return len(pieces) == 1 and pieces[0].role == "punct"


def is_atom(pieces: Sequence[Piece]) -> bool:
    """Return whether a row can stand beside an operator without brackets: x, ∂x, Var(w), 12."""
    shown = [p for p in pieces if p.role != "space"]
    while shown and shown[0].role == "prefix":
        shown = shown[1:]
    if len(shown) > 2 and shown[1].role == "open" and shown[-1].role == "close":
        return sum(p.role == "close" for p in shown) == 1 and shown[0].role in ("ord", "func")
    if len(shown) > 2 and shown[0].role == "open" and shown[-1].role == "close":
        return sum(p.role == "close" for p in shown) == 1
    if len(shown) > 1 and all(len(p.text) == 1 and p.text in "‖|" for p in (shown[0], shown[-1])):
        return sum(p.text == shown[0].text for p in shown) == 2
    words = " " in shown[0].text and shown[0].text[0].isalpha() if shown else False
    return len(shown) == 1 and shown[0].role in ("ord", "num", "func") and not words


def fraction(above: list[Piece], below: list[Piece]) -> Piece:
    """Return a/b, with brackets where a or b needs them."""
    terms = [p for p in above if p.role != "space"]
    sums = any(p.role in ("rel", "frac", "sum") for p in terms) or any(
        p.role == "bin" and p.text in "+−/" for p in terms[1:]
    )
    top, bottom = joined(above), joined(below)
    letters = len(below) == 2 and below[0].text == "d"  # dx
    words = len(terms) == 1 and " " in top
    top = f"({top})" if (sums or words) and not is_atom(above) else top
    return Piece(f"{top}/{bottom if letters or is_atom(below) else f'({bottom})'}", "frac")


def accented(text: str, name: str) -> Piece:
    """Return a letter with its accent; words get the accent's name before them."""
    if len(text) == 1:
        return Piece(text + symbols.ACCENTS[name])
    if text and all(c in "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₙ₋₊" for c in text[1:]):
        return Piece(text[0] + symbols.ACCENTS[name] + text[1:])
    return Piece(f"{name.removeprefix('wide')}({text})")
