"""A ``corrections.yaml`` that explains itself: every kind of entry, commented out."""

from pathlib import Path

from choreoscope.datatypes.errors import OutputError

_TEMPLATE = """\
# Corrections, replayed by Choreoscope on every run. Only what depends on one is made again.
#
# A list of entries. Each has exactly one action, and may have
# frames: 100:200 (source frames from 0, the last one not included; without it, the whole film),
# note: text (why), author: name (who says so).
# To use an example, take away the # at the beginning of its lines.
# Entries about persons are replayed from top to bottom; where two entries disagree about a contact,
# the later one holds. P01, P02 ... are the ids of one clip (shot): in a film of several shots give
# the frames of the shot that is meant.

# Exchange two persons, because the program confused them.
#- frames: 100:200
#  note: they cross behind the column
#  author: Kim
#  swap: [P01, P02]

# The first person is really the second. An error where both are seen in one frame.
#- frames: "220:"
#  merge: [P03, P01]

# Names instead of ids, used for folders and in every later file and entry.
#- rename: {P01: anna, P02: ben}

# A part of the body touches what carries it (on), or does not (off).
# Parts: left_foot (all of it), left_heel, left_toes, right_foot, right_heel, right_toes
#- frames: 120:140
#  contact: {person: anna, part: left_foot, is: on}

# The part touches, and does not move at all over these frames.
#- frames: 150:190
#  pin: {person: anna, part: right_foot}

# Focal length in millimetres, on a sensor of this width (36 if left out, that is full frame).
# One for each clip: frames only choose the clips.
#- focal_mm: 35
#  sensor_mm: 36

# Or focal length in pixels of the film's width.
#- focal_px: 1850

# Standing height in metres. One for each person and clip: frames only choose the clips.
#- height: {anna: 1.72}

# The floor: three or more of its points in metres from the camera: right, down, ahead.
#- floor:
#    points: [[-1.0, 1.5, 4.0], [1.0, 1.5, 4.0], [0.0, 1.5, 7.0]]

# Or two points of the horizon in pixels from the upper left corner; how far the floor lies below
# the camera then follows from the feet.
#- floor: {horizon: [[0, 310], [1920, 305]]}

# First frames of shots that were not found, and cuts that are none.
#- cuts: {add: [240], remove: [512]}

# What was seen in these frames is ignored and bridged; the confidence there is 0. Or person: all
#- frames: 300:330
#  distrust: {person: ben}

# Depth passes: corrected metres = scale * depth + offset. Linear between keys, constant outside.
#- depth:
#  - {frame: 0, scale: 1.0, offset: 0.0}
#  - {frame: 250, scale: 1.1, offset: -0.2}
"""


def corrections_template() -> str:
    """Text of a file with every kind of entry, its meaning and units; it corrects nothing yet."""
    return _TEMPLATE


def write_corrections_template(path: Path) -> None:
    """Write the template; what is there already is somebody's work and is left alone.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE)
    except FileExistsError:
        raise OutputError(f"{path} exists already and is not overwritten") from None
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})") from error
