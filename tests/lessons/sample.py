"""A short lesson in a learner's file, for tests of how lessons are read."""

import json
from pathlib import Path

from minires.lessons.kit import exercises

NAME = next(iter(exercises(1)))
LESSON = f'''# ---
# title: A test
# ---
# %% [markdown]
# # Lesson 1: does it run?
# The opening, with $x_{{l-1}}$.

# %%
from minires.lessons import Lesson

lesson = Lesson(1)
P = lesson.params(depths=(4, 8), seeds=3, full={{"seeds": 5}}, fast={{"seeds": 1}})
print("set up")

# %% [markdown]
# ## Predict
# Guess first.

# %%
lesson.predict("n", "How many?")
lesson.predict("why", "Why?", choices=("it vanishes", "it explodes"))

# %% [markdown]
# ## Exercise {NAME}: one


# %% tags=["exercise"]
@lesson.exercise("{NAME}")
def one(*values):
    """Do it."""
    # TODO: your code here
    return None


# %% [markdown]
# ## Experiment
# Now it is measured.

# %%
value = 2.0 * P.seeds
lesson.reveal("n", f"{{value}}", value)
print("the result is", value, P.depths)

# %% [markdown]
# ## Remember
# - this
'''


def write(text, name="mine.py"):
    """Write a learner's file."""
    Path(name).write_text(text, encoding="utf-8")


def saved():
    """Return what is kept of lesson 1."""
    return json.loads(Path("answers/progress.json").read_text(encoding="utf-8"))["1"]
