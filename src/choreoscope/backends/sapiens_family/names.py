"""Names of the classes of the Sapiens networks, in the order of their answers.

The second generation put eyeglasses at place 2 and moved everything after it, so results hold
names, never numbers. Left and right are the performer's own.
"""

BACKGROUND = 0
"""Place of the background among the scores of both."""

PARTS_V1 = (
    "apparel",
    "face_neck",
    "hair",
    "left_foot",
    "left_hand",
    "left_lower_arm",
    "left_lower_leg",
    "left_shoe",
    "left_sock",
    "left_upper_arm",
    "left_upper_leg",
    "lower_clothing",
    "right_foot",
    "right_hand",
    "right_lower_arm",
    "right_lower_leg",
    "right_shoe",
    "right_sock",
    "right_upper_arm",
    "right_upper_leg",
    "torso",
    "upper_clothing",
    "lower_lip",
    "upper_lip",
    "lower_teeth",
    "upper_teeth",
    "tongue",
)
"""28 classes with the background, Khirodkar et al., "Sapiens", ECCV 2024."""

PARTS_V2 = (PARTS_V1[0], "eyeglass", *PARTS_V1[1:])
"""29 classes with the background."""


def mirrored(names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the place of each class's mirror image, its own where it has no sides."""
    swaps = {"left": "right", "right": "left"}
    places = {name: place for place, name in enumerate(names)}
    return tuple(
        places["_".join([swaps.get(side, side), *rest])]
        for side, *rest in (name.split("_") for name in names)
    )
