"""Sizes of the mannequin of `choreoscope.motion.figure`: those of an adult of 1.70 m.

A section is a share of the way along, half the width and half the depth there, in metres.
"""

LONGEST_WAY = 1.38
"""Root to the farthest fingertip or toe of an adult of 1.70 m, metres along the bones."""

ROLES = (
    # The first pattern found in the lower-case name decides, so order matters.
    ("torso", r"spine|chest|torso|hips|pelvis|waist|back|^ab$|abdomen"),
    ("finger", r"thumb|index|middle|ring|pinky|little|finger"),
    ("hand", r"hand|wrist"),
    ("forearm", r"fore_?arm|lower_?arm|elbow"),
    ("upper_arm", r"upper_?arm|arm$"),
    ("clavicle", r"clavicle|collar|shoulder"),
    ("toes", r"toe"),
    ("foot", r"foot|ankle"),
    ("thigh", r"thigh|up(per)?_?leg|(left|right)_?hip"),
    ("shin", r"shin|calf|knee|leg$"),
    ("neck", r"neck"),
    ("head", r"head$"),
)
FAMILIES = {
    "torso": "trunk",
    "neck": "trunk",
    "clavicle": "arm",
    "upper_arm": "arm",
    "forearm": "arm",
    "thigh": "leg",
    "shin": "leg",
    "foot": "foot",
    "toes": "foot",
}
BONE_SECTIONS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "clavicle": ((0.0, 0.044, 0.056), (1.0, 0.056, 0.060)),
    "upper_arm": ((0.0, 0.056, 0.060), (0.4, 0.046, 0.048), (1.0, 0.037, 0.037)),
    "forearm": ((0.0, 0.037, 0.037), (0.25, 0.041, 0.041), (1.0, 0.024, 0.027)),
    "thigh": ((0.0, 0.076, 0.086), (0.35, 0.074, 0.079), (1.0, 0.049, 0.052)),
    "shin": ((0.0, 0.049, 0.052), (0.3, 0.050, 0.056), (0.7, 0.036, 0.038), (1.0, 0.033, 0.036)),
    "finger": ((0.0, 0.0088, 0.0088), (1.0, 0.0074, 0.0074)),
}
TRUNK_SECTIONS = (
    # Share of the way from the pelvis to the base of the neck.
    (-0.15, 0.105, 0.085),
    (0.0, 0.158, 0.105),
    (0.18, 0.145, 0.100),
    (0.40, 0.122, 0.088),
    (0.68, 0.148, 0.106),
    (0.86, 0.143, 0.098),
    (0.94, 0.112, 0.080),
    (1.0, 0.062, 0.058),
)
BELOW_PELVIS = -0.15
NECK_RADIUS = 0.049
HEAD_SECTIONS = (
    (0.0, 0.040, 0.042),
    (0.25, 0.058, 0.074),
    (0.58, 0.072, 0.092),
    (0.78, 0.068, 0.087),
    (0.90, 0.053, 0.069),
    (0.96, 0.037, 0.050),
    (1.0, 0.018, 0.025),
)
CHIN_BELOW, CHIN_FORWARD = 0.075, 0.030
FOOT_SECTIONS = (
    (0.0, 0.030, 0.028),
    (0.6, 0.042, 0.026),
    (0.85, 0.043, 0.020),
    (1.0, 0.030, 0.014),
)
SOLE_BELOW_BALL = 0.11
"""Share of the height of the ankle above the ball."""
MITTEN_SECTIONS = ((0.0, 0.026, 0.019), (0.4, 0.040, 0.016), (1.0, 0.022, 0.011))
DETAIL = {
    "finger": (0.016, 6, 1.0),
    "head": (0.012, 16, 0.3),
    "torso": (0.030, 18, 1.0),
    "other": (0.028, 12, 1.0),
}
"""Distance of rings (metres), corners of each, roundness of the caps."""
LINK_RADII = {"leg": 0.074, "arm": 0.050, "finger": 0.008}
