"""What a session does, and says, when something goes wrong."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np

from ..parallel import RankLost
from . import checkpoint, divergence
from .loop import Step

if TYPE_CHECKING:
    from .session import Session


def diverged(session: Session, step: Step) -> str:
    """Save the evidence; return what happened."""
    before = session.before
    before.restore()
    state = session.net.state_dict()
    where, layers = divergence.locate(session.net, before.x, before.y, session.loss)
    before.restore()
    what = "a gradient is not finite" if step.broken else f"the loss is {step.loss}"
    x, y = before.x, before.y
    if session.ranks.size > 1:  # each has looked at its share of the batch
        found = session.ranks.comm.gather((where, layers, x, y))
        rank = next((r for r, part in enumerate(found) if part[0] != divergence.FINITE), 0)
        where, layers = f"on rank {rank}, {found[rank][0]}", found[rank][1]
        x, y = (np.concatenate([part[i] for part in found]) for i in (2, 3))
    text = f"at iteration {session.iteration} {what}: {where}"
    if session.folder is not None:
        record = {
            "iteration": session.iteration,
            "lr": session.progress.lr,
            "loss": step.loss,
            "first": where,
            "layers": layers,
            "identity": session.identity(),
        }
        try:
            paths = divergence.save(session.folder.path, state, x, y, record)
            text += f"\nthe batch, the weights before it and the layers: {paths[0]}, {paths[1]}"
        except OSError as error:
            text += f"\nthe evidence could not be saved: {error}"
    return text + "\ntry a lower --lr, a --warmup, or a limit of the gradients (--clip)"


def unsaved(session: Session, error: OSError) -> str:
    """Return why a checkpoint could not be saved, and what there is instead."""
    assert session.folder is not None
    full = " (the disk is full)" if error.errno == errno.ENOSPC else ""
    kept = checkpoint.exists(session.folder.path)
    rest = "the last one is intact: --resume goes on from it" if kept else "there is none yet"
    return f"the checkpoint of iteration {session.iteration} cannot be saved{full}: {error}; {rest}"


def lost(session: Session, error: RankLost) -> str:
    """Take back the step that was not finished; return what happened.

    Where rank 0 is lost, the next one, whose state is the same, takes over the folder.
    """
    if session.before.iteration == session.iteration:
        session.before.restore()
    if session.folder is None and session.ranks.speaks():
        session.folder = session.take_over()
    kept = "" if session.folder is None else "; a checkpoint is saved, --resume goes on from it"
    return f"at iteration {session.iteration} {error}{kept}"
