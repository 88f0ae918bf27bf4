"""`llmops check --watch`: checks again whenever something changes that the last check read, until Ctrl-C.

What it read is known exactly, from the witness of the check: specs, overlays, policies, documents, datasets and their folders.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from llmops.cache.evidence import Evidence, gather
from llmops.cache.witness import Witness
from llmops.errors import LlmopsError
from llmops.load.root import SETTINGS

Check = Callable[[Witness], object]
"""Checks, prints what it found, and notes in the witness what it read."""

_CLEAR = "\033[2J\033[H"
# Folders on other machines and in containers report no changes; there a look each second must do.
_LOOK_EVERY = 1_000
_QUIET_FOR = 100
"""Milliseconds: an editor that saves several files is answered once."""


def watch(root: Path, check: Check) -> NoReturn:
    """Ends with `KeyboardInterrupt`, or with `LlmopsError` when the workspace's folder is gone."""
    while True:
        witness = Witness(root)
        _check(witness, check)
        _wait(root, witness)


def _check(witness: Witness, check: Check) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(_CLEAR)
    print(time.strftime("%H:%M:%S"), flush=True)
    try:
        check(witness)
    except LlmopsError as error:
        # An environment that was just renamed, say: the next change may bring it back.
        print(f"llmops: {error}" + (f"\nhelp: {error.hint}" if error.hint else ""))
    print("\nWatching; Ctrl-C ends.", flush=True)
    gc.collect()  # the command runs without automatic collection, for speed; a day of checks must not fill the memory


def _wait(root: Path, witness: Witness) -> None:
    """Returns once the files are no longer as the witness saw them."""
    from watchfiles import watch as changes

    if SETTINGS not in witness.seen:
        witness.absent(f"{root}/{SETTINGS}")
    evidence = gather(witness)
    folders = _folders(root, evidence)
    ticks = changes(*folders, recursive=False, watch_filter=None, step=_QUIET_FOR, rust_timeout=_LOOK_EVERY, yield_on_timeout=True)
    for _ in ticks:
        # Most changes in a folder are none of ours: a backup of the editor, a report that was just written.
        if not evidence.holds(str(root), time.time_ns()):
            return


def _folders(root: Path, evidence: Evidence) -> list[str]:
    """Every folder that was listed, or holds something that was read or was missing."""
    paths = [os.path.join(root, path) for path in (*evidence.paths, *evidence.missing, *evidence.through)]
    folders = {str(root), *paths, *map(os.path.dirname, paths)}
    found = sorted(folder for folder in folders if os.path.isdir(folder))
    if not found:
        raise LlmopsError(f"The workspace {root} is gone")
    return found
