"""A body as a shaded surface on paper: light from above, nearer faces over farther ones."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.body_npz import BodyFile
from choreoscope.geometry.tubes import vertex_normals
from choreoscope.motion.body_figure import figure_of_person, skinned
from choreoscope.viewer.board import PAPER, Board, Mapping2D
from choreoscope.viewer.figure import RIGHT, joint_sides
from choreoscope.viewer.palette import PersonColour, Rgb, mix

_LIGHT = np.array([-0.45, 0.75, -0.5]) / np.linalg.norm([-0.45, 0.75, -0.5])
"""From upper left and in front of the page; axes right, up, away."""
_DARKEST, _BRIGHTEST = 0.52, 1.12
_RIM = 0.35
_RIGHT_SIDE = 0.28
_LEVELS, _SIDES = 32, 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A body in a few frames.

    Attributes
    ----------
    points : (N, V, 3) float
        Metres.
    faces : (F, 3) int
        Counter-clockwise seen from outside.
    right : (V,) float
        Share of the person's right limbs in each vertex, 0 to 1.
    """

    points: Float[np.ndarray, "N V 3"]
    faces: Int[np.ndarray, "F 3"]
    right: Float[np.ndarray, "V"]

    def __post_init__(self) -> None:
        check_arrays(self)


def surface_of(motion: Motion, body: BodyFile | None, rows: np.ndarray) -> Surface | None:
    """Body of a person in some frames; None for people without one that can be drawn.

    Parameters
    ----------
    motion : Motion
        T frames.
    body : BodyFile or None
        The person's.
    rows : (N,) int
        Frames to draw.
    """
    if body is None:
        return None
    mesh, real = figure_of_person(motion.skeleton, body, "low")
    if not real:
        return None
    return Surface(
        points=skinned(mesh, motion, rows),
        faces=mesh.faces,
        right=right_share(motion.skeleton, mesh),
    )


def right_share(skeleton: Skeleton, mesh: SkinnedMesh) -> np.ndarray:
    """How much each vertex ``(V,)`` belongs to right limbs, 0 to 1."""
    right = joint_sides(skeleton)[mesh.joints] == RIGHT
    return np.asarray((right * mesh.weights).sum(axis=1))


def draw_surface(
    board: Board,
    mapping: Mapping2D,
    surface: Surface,
    place: int,
    colour: PersonColour,
    pale: float,
) -> None:
    """Draw one of a surface's frames.

    Parameters
    ----------
    board : Board
        To draw on.
    mapping : Mapping2D
        From metres of the page (right, up) to pixels.
    surface : Surface
        Axes right, up, away.
    place : int
        Which of its frames.
    colour : PersonColour
        The right limbs are darker.
    pale : float
        Share of paper mixed in.
    """
    points = surface.points[place]
    corners = points[surface.faces]
    # Right, up, away is a left-handed system: seen from outside, faces turn clockwise in it.
    across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 1] - corners[:, 0])
    facing = np.flatnonzero(across[:, 2] < 0)
    order = facing[np.argsort(-corners[facing, :, 2].mean(axis=1), kind="stable")]
    normals = -vertex_normals(points, surface.faces)[surface.faces[order]].mean(axis=1)
    lit = _DARKEST + (_BRIGHTEST - _DARKEST) * np.clip(normals @ _LIGHT, 0.0, 1.0)
    lit = lit * (1 - _RIM * (1 + np.minimum(normals[:, 2], 0.0)) ** 3)
    levels = np.clip(np.rint(lit / _BRIGHTEST * _LEVELS), 0, _LEVELS).astype(int)
    sides = np.rint(surface.right[surface.faces[order]].mean(axis=1) * _SIDES).astype(int)
    shades = _shades(colour, pale)
    board.facets(
        mapping.pixels(corners[order][..., :2]),
        [shades[side][level] for side, level in zip(sides, levels, strict=True)],
    )


def _shades(colour: PersonColour, pale: float) -> list[list[Rgb]]:
    """Colours from left to right of a person, each from dark to bright."""
    bases = [colour.darker(_RIGHT_SIDE * side / _SIDES) for side in range(_SIDES + 1)]
    return [
        [
            mix(_gained(base, _BRIGHTEST * level / _LEVELS), PAPER, pale)
            for level in range(_LEVELS + 1)
        ]
        for base in bases
    ]


def _gained(rgb: Rgb, gain: float) -> Rgb:
    red, green, blue = (min(255, round(value * gain)) for value in rgb)
    return red, green, blue
