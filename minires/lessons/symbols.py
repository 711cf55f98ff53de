"""The symbols of formulas: LaTeX's commands, and what they are to their neighbours."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Text and its role: what it is to its neighbours."""

    text: str
    role: str = "ord"  # ord, num, bin, rel, open, close, punct, prefix, func, sum, frac, space


def _pairs(text: str, role: str) -> dict[str, Piece]:
    words = re.split(r"[ \n]+", text.strip(" \n"))
    return {a: Piece(b, role) for a, b in zip(words[::2], words[1::2], strict=True)}


_WORDS = """
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ iota ι kappa κ
    lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω
    Gamma Γ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω ell ℓ Re Re infty ∞ ldots …
    dots … cdots ⋯ vdots ⋮ top ᵀ prime ′ emptyset ∅ forall ∀ exists ∃ checkmark ✓ degree ° ast ∗
    star ⋆ bullet • quad \u2003 qquad \u2003
"""
_BINARY = """
    cdot · times × odot ⊙ otimes ⊗ oplus ⊕ circ ∘ pm ± mp ∓ div ÷ cup ∪ cap ∩ setminus ∖
"""
_RELATIONS = """
    le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ sim ~ simeq ≃ equiv ≡ propto ∝ to → rightarrow →
    leftarrow ← gets ← mapsto ↦ Rightarrow ⇒ implies ⇒ iff ⇔ ll ≪ gg ≫ in ∈ notin ∉ subset ⊂
    subseteq ⊆ mid |
"""
_FUNCTIONS = """
    log ln exp max min tanh sin cos tan sinh cosh arg det lim inf sup Pr dim argmax argmin
"""
COMMANDS = (
    _pairs(_WORDS, "ord")
    | _pairs(_BINARY, "bin")
    | _pairs(_RELATIONS, "rel")
    | _pairs("lVert ‖ lvert | langle ⟨ lceil ⌈ lfloor ⌊ lbrace { lbrack [", "open")
    | _pairs("rVert ‖ rvert | rangle ⟩ rceil ⌉ rfloor ⌋ rbrace } rbrack ]", "close")
    | _pairs("partial ∂ nabla ∇ Delta Δ", "prefix")
    | _pairs("sum Σ prod ∏ int ∫", "sum")
    | {name: Piece(name, "func") for name in _FUNCTIONS.split()}
)
CHARACTERS = {
    **dict.fromkeys("+-*/", "bin"),
    **dict.fromkeys("=<>", "rel"),
    **dict.fromkeys("([", "open"),
    **dict.fromkeys(")]", "close"),
    **dict.fromkeys(",;:.", "punct"),
}
STANDS_FOR = {"-": "−", "*": "∗", "'": "′", "~": " "}
SPACES = {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "\n": " "}
ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "dot": "\u0307",
    "vec": "\u20d7",
}
_UPRIGHT = """
    mathrm text operatorname mathbf mathit mathsf mathbb mathcal boldsymbol textbf textit mathtt
    texttt boxed
"""
_NOTHING = """
    displaystyle textstyle limits nolimits left right middle nonumber notag bigl bigr Bigl Bigr
    biggl biggr Biggl Biggr big Big bigg Bigg
"""
UPRIGHT, NOTHING = _UPRIGHT.split(), _NOTHING.split()


def _scripts(plain: str, small: str) -> dict[str, str]:
    return dict(zip(plain, small, strict=True))


SUBSCRIPTS = (
    _scripts("0123456789+−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
    | _scripts("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
    | _scripts("βγρφχ", "ᵦᵧᵨᵩᵪ")
)
SUPERSCRIPTS = (
    _scripts("0123456789+−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾")
    | _scripts("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
    | _scripts("LMNTᵀ′∗", "ᴸᴹᴺᵀᵀ′*")
)
