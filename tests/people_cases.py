"""People as a back end might see them, for round trips."""

import numpy as np
from hypothesis import strategies as st

from choreoscope.datatypes.people import Mask, PeopleInFrame, PersonObservation

POINTS = 33
BINS = 6


def person(
    seed: int, *, face: bool = False, mask: bool = True, tracklet: int | None = None
) -> PersonObservation:
    """Somebody whose every number is float32, so that a round trip can be exact."""
    draw = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return draw.normal(300, 100, shape).astype(np.float32)

    histogram = draw.random(BINS)
    hands = numbers(2, 21, 2)
    hands[0] = np.nan
    return PersonObservation(
        tracklet=seed % 7 if tracklet is None else tracklet,
        box_xyxy=numbers(4),
        score=float(np.float32(draw.random())),
        points_px=numbers(POINTS, 2),
        points_m=numbers(POINTS, 3),
        visibility=draw.random(POINTS).astype(np.float32),
        hands_px=hands,
        hands_m=numbers(2, 21, 3),
        hands_score=np.array([0.0, 0.5], dtype=np.float32),
        face_px=numbers(468, 2) if face else None,
        appearance=(histogram / histogram.sum()).astype(np.float32),
        mask=random_mask(draw) if mask else None,
    )


def random_mask(draw: np.random.Generator) -> Mask:
    height, width = (int(size) for size in draw.integers(1, 40, 2))
    cuts = np.unique(draw.integers(1, height * width + 1, 9))
    runs = np.diff(np.concatenate([[0], cuts, [height * width]]))
    return Mask(height=height, width=width, counts=runs)


@st.composite
def windows(draw: st.DrawFn) -> list[PeopleInFrame]:
    """Frames with gaps, nobody in some of them, state of several types after each."""
    frames = sorted(draw(st.sets(st.integers(0, 10**7), max_size=4)))
    return [
        PeopleInFrame(
            frame=frame,
            people=tuple(
                person(seed, face=draw(st.booleans()), mask=draw(st.booleans()))
                for seed in draw(st.lists(st.integers(0, 1000), max_size=2))
            ),
            state={
                "followed": np.random.default_rng(frame).normal(size=(frame % 3, 9)),
                "next_number": np.array(frame),
                "names": np.array(["left", "right"]),
                "seen.before": np.array([True, False]),
            },
        )
        for frame in frames
    ]
