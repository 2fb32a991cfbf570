"""Who is who, put right by hand: persons exchanged, joined or named after the automatic choice."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.people import Decision, ObservationRows
from choreoscope.pipeline.stage import Options

Persons = dict[str, np.ndarray]
_MOST_SHOWN = 3


class IdentityCorrection(Options):
    """One entry of a ``corrections.yaml``, as far as it concerns one clip."""

    action: Literal["swap", "merge", "rename"]
    names: tuple[tuple[str, str], ...]
    frames: tuple[int, int]
    note: str = ""
    author: str = ""

    @property
    def words(self) -> str:
        """The entry for people."""
        joint = {"swap": "with", "merge": "into", "rename": "to"}[self.action]
        what = ", ".join(f"{one} {joint} {other}" for one, other in self.names)
        return f"{self.action} {what} over frames {self.frames[0]}:{self.frames[1]}"


def overruled(
    persons: Mapping[str, np.ndarray],
    rows: ObservationRows,
    clip: FrameRange,
    corrections: Sequence[IdentityCorrection],
) -> tuple[Persons, tuple[Decision, ...]]:
    """Replay corrections, in their order, on what the program decided.

    Parameters
    ----------
    persons : mapping of str to (n,) int
        Rows of each person in `rows`, as `association.join_tracklets` gives them.
    rows : ObservationRows
        Of the clip.
    clip : FrameRange
        Its source frames.
    corrections : sequence of IdentityCorrection
        Each sees the persons as the ones before left them.

    Returns
    -------
    persons : dict of str to (n,) int
        No row belongs to two persons, and no two rows of a person to one frame. Persons without
        a row are gone.
    decisions : tuple of Decision
        One per correction.

    Raises
    ------
    InputError
        If a person is named who is not there, would be seen twice in a frame, or would get a name
        that is taken.
    """
    current: Persons = dict(persons)
    decisions = []
    replay = {"swap": _swapped, "merge": _merged, "rename": _renamed}
    for one in corrections:
        before = current
        _check_persons(one, current)
        current = replay[one.action](current, rows.frames, one, clip)
        current = {name: own for name, own in current.items() if len(own)}
        decisions.append(_decision(one, _moved(before, current), rows))
    return current, tuple(decisions)


def _check_persons(one: IdentityCorrection, persons: Persons) -> None:
    named = [old for old, _ in one.names]
    if one.action != "rename":
        named += [other for _, other in one.names]
    for name in named:
        if name not in persons:
            raise _error(
                one, f"there is no '{name}' here; there is {', '.join(persons) or 'nobody'}"
            )


def _error(one: IdentityCorrection, text: str) -> InputError:
    return InputError(f"corrections: {one.words}: {text}")


def _parted(
    own: np.ndarray, frames: np.ndarray, one: IdentityCorrection
) -> tuple[np.ndarray, np.ndarray]:
    """Rows inside and outside the range of a correction."""
    inside = (frames[own] >= one.frames[0]) & (frames[own] < one.frames[1])
    return own[inside], own[~inside]


def _together(frames: np.ndarray, parts: Iterable[np.ndarray]) -> np.ndarray:
    rows = np.concatenate(list(parts))
    return np.asarray(rows[np.argsort(frames[rows], kind="stable")])


def _swapped(
    persons: Persons, frames: np.ndarray, one: IdentityCorrection, clip: FrameRange
) -> Persons:
    del clip
    ((first, second),) = one.names
    inside, outside = _parted(persons[first], frames, one)
    other_inside, other_outside = _parted(persons[second], frames, one)
    if not len(inside) and not len(other_inside):
        raise _error(one, "neither of them is seen there")
    return persons | {
        first: _together(frames, (outside, other_inside)),
        second: _together(frames, (other_outside, inside)),
    }


def _merged(
    persons: Persons, frames: np.ndarray, one: IdentityCorrection, clip: FrameRange
) -> Persons:
    del clip
    ((person, into),) = one.names
    inside, outside = _parted(persons[person], frames, one)
    _check_seen(one, person, inside, frames[outside])
    _check_alone(one, frames, inside, persons[into], (person, into))
    return persons | {person: outside, into: _together(frames, (persons[into], inside))}


def _renamed(
    persons: Persons, frames: np.ndarray, one: IdentityCorrection, clip: FrameRange
) -> Persons:
    """Give the rows in the range other names, all at once.

    Over a piece of the clip a name may be taken: so one person is cut off another's track.
    """
    moving = {old: _parted(persons[old], frames, one) for old, _ in one.names}
    left = persons | {old: outside for old, (_, outside) in moving.items()}
    whole = one.frames == (clip.start, clip.stop)
    result = dict(left)
    for old, new in one.names:
        inside, outside = moving[old]
        taken = left.get(new, inside[:0])
        _check_seen(one, old, inside, frames[outside])
        _check_free(one, new, left, whole=whole)
        _check_alone(one, frames, inside, taken, (old, new))
        result[new] = _together(frames, (taken, inside))
    return {name: result[name] for name in _order(persons, result, dict(one.names))}


def _order(before: Persons, after: Persons, new_names: Mapping[str, str]) -> list[str]:
    """Names as they stood, a new one after the one it comes from: naming back changes nothing."""
    listed = [each for name in before for each in (name, new_names.get(name, name))]
    return [name for name in dict.fromkeys(listed) if name in after]


def _check_seen(
    one: IdentityCorrection, person: str, inside: np.ndarray, elsewhere: np.ndarray
) -> None:
    if not len(inside):
        seen = FrameSet.of(elsewhere.tolist())
        raise _error(one, f"{person} is not seen there, but in frames {_short(seen)}")


def _check_free(one: IdentityCorrection, new: str, left: Persons, *, whole: bool) -> None:
    for name, rows in left.items():
        same_folder = name != new and name.casefold() == new.casefold()
        if len(rows) and (same_folder or (whole and name == new)):
            raise _error(
                one,
                f"the name '{name}' is taken; if both are one person, write merge instead",
            )


def _check_alone(
    one: IdentityCorrection,
    frames: np.ndarray,
    moved: np.ndarray,
    present: np.ndarray,
    names: tuple[str, str],
) -> None:
    both = FrameSet.of(np.intersect1d(frames[moved], frames[present]).tolist())
    if len(both):
        raise _error(
            one,
            f"{names[0]} and {names[1]} are both seen in {len(both)} frames ({_short(both)}), so "
            "they are two persons there; give 'frames:' without these, or swap",
        )


def _short(frames: FrameSet) -> str:
    shown = ", ".join(str(part) for part in frames.ranges[:_MOST_SHOWN])
    return shown if len(frames.ranges) <= _MOST_SHOWN else f"{shown}, ..."


def _moved(before: Persons, after: Persons) -> np.ndarray:
    """Rows that belong to another name than before."""
    owner = {int(row): name for name, rows in before.items() for row in rows}
    return np.array(
        sorted(int(row) for name, rows in after.items() for row in rows if owner[int(row)] != name),
        dtype=np.int64,
    )


def _decision(one: IdentityCorrection, moved: np.ndarray, rows: ObservationRows) -> Decision:
    said = f": {one.note}" if one.note else ""
    who = f" ({one.author})" if one.author else ""
    return Decision(
        kind="corrected",
        tracklets=tuple(int(number) for number in np.unique(rows.tracklets[moved])),
        score=1.0,
        reason=f"by hand, {one.words}{said}{who}",
    )
