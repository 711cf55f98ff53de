"""What a backward pass owes besides right gradients, and why."""

from __future__ import annotations

ALL_KEPT = "leaves arguments alone, repeats itself, is linear in dy, any memory order"
WHY = {
    "inputs unmodified": "the caller still needs them: `x += 1` writes into the caller's array, "
    "`x = x + 1` makes a new one",
    "upstream unmodified": "the same dy may go to another branch, too; multiply into a new array",
    "saved unmodified": "a second backward would start from other values",
    "shapes": "an optimiser adds the gradient to its parameter, entry by entry",
    "dtype": "what forward computes in float64, backward has to; is there an array made with "
    "another dtype, or a whole number that is divided?",
    "reentrant": "something is kept from one call to the next, or drawn at random",
    "zero upstream": "each term of a gradient is a product with dy",
    "linear in dy": "each term of a gradient is a product with dy, once",
    "any memory order": "transposes and slices are arrays, too; reshape and ravel go by the index, "
    "views of memory do not",
}


def why(name: str) -> str:
    """Return the reason for a failed check by its name, "" for one that is not of these."""
    return WHY.get(name, "")
