"""What stages of passes say of their files: that they read back, and what they hold."""

from pathlib import Path

from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.passes import PASSES
from choreoscope.formats.pass_state_npz import check_pass_state
from choreoscope.formats.passes import check_pass, look_at_pass
from choreoscope.pipeline.stage import Contents

WINDOW_FRAMES = 64
"""Frames a stage of passes keeps at once; a kill loses at most these."""


def check(kind: str, path: Path) -> None:
    """Read a frame of a pass, or the state stored at a window's end, back.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    if kind in PASSES:
        check_pass(kind, path)
    else:
        check_pass_state(path)


def contents(kind: str, path: Path) -> Contents:
    """Say what a file holds, for comparing it with the film."""
    if kind not in PASSES:
        return Contents()
    seen = look_at_pass(kind, path)
    return Contents(
        frames=FrameSet.of([int(path.stem.rpartition(".")[2])]),
        size=seen.size,
        channels=len(seen.channels),
        finite=seen.is_finite,
    )
