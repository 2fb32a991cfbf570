"""What a user wants delivered, and under which names."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_args

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.exr import LOSSY, Compression

What = Literal["exr", "layers", "png", "prores", "vp9", "ffv1", "preview"]
Space = Literal["camera", "world"]
Green = Literal["gl", "dx"]
Range = Literal["signed", "unit"]

MEANINGS: dict[What, str] = {
    "exr": "a folder of EXR files for every pass",
    "layers": "one EXR per frame with all passes as layers",
    "png": "16-bit PNG: alpha, mattes, normals, depth (white is near)",
    "prores": "ProRes 4444 with straight alpha: all performers, and each alone",
    "vp9": "VP9 with alpha (.webm) for browsers: all performers, and each alone",
    "ffv1": "lossless FFV1: mattes as 16-bit grey, cut-out film as 8-bit BGRA",
    "preview": "MP4 of the performers before a checker-board",
}
DEFAULT_WHAT: tuple[What, ...] = ("exr", "layers", "prores", "preview")

NEEDS: dict[str, tuple[str, ...]] = {
    "fg": ("alpha",),
    "alpha": ("alpha",),
    "masks": ("people",),
    "depth": ("depth",),
    "depth_inv": ("depth",),
    "depth_sigma": ("depth_sigma",),
    "normals": ("normals",),
    "position": ("position",),
    "flow": ("flow",),
    "flow_back": ("flow_back",),
    "people": ("people",),
    "parts": ("parts",),
    "base_color": ("base_color",),
    "roughness": ("roughness",),
    "specular": ("specular",),
    "metallic": ("metallic",),
    "occlusion": ("occlusion",),
}
"""What can be delivered, and the passes of the result that it is made from."""
ONLY_ASKED = ("depth_inv",)
FILM_NEEDED = ("fg",)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """What to deliver.

    Attributes
    ----------
    what : tuple of str
        Of `MEANINGS`.
    passes : tuple of str or None
        Of `NEEDS`; None delivers all there are but ``depth_inv``.
    start : int
        Number of the first frame's files: 1001 or 1, as a rule.
    frames : (int, int) or None
        Source frames, half-open; None delivers the whole clip.
    normal_space : {"camera", "world"}
        World: the house's, right-handed, y up.
    green : {"gl", "dx"}
        OpenGL's green points up; DirectX's and Unreal's down.
    normal_range : {"signed", "unit"}
        -1 to 1, or 0 to 1, in EXR files; PNG is always 0 to 1.
    compression : str
        Of EXR files without a Cryptomatte; those with one are ZIPS where this one loses anything.
    near, far : float or None
        Metres that become white and black in a depth PNG; None measures them over the clip.
    """

    what: tuple[What, ...] = DEFAULT_WHAT
    passes: tuple[str, ...] | None = None
    start: int = 1001
    frames: tuple[int, int] | None = None
    normal_space: Space = "camera"
    green: Green = "gl"
    normal_range: Range = "signed"
    compression: Compression = "zips"
    near: float | None = None
    far: float | None = None

    def __post_init__(self) -> None:
        _check("--what", self.what, tuple(MEANINGS))
        _check("--passes", self.passes or (), tuple(NEEDS))
        _check("--normal-space", (self.normal_space,), get_args(Space))
        _check("--green", (self.green,), get_args(Green))
        _check("--range", (self.normal_range,), get_args(Range))
        _check("--compression", (self.compression,), get_args(Compression))
        if not self.what:
            raise InputError(f"nothing to deliver: expected any of {', '.join(MEANINGS)}")
        if self.start < 0:
            raise InputError(f"--start: expected a frame number of 0 or more, got {self.start}")
        if self.near is not None and self.far is not None and not 0 < self.near < self.far:
            raise InputError(f"expected 0 < near < far in metres, got {self.near}, {self.far}")

    @property
    def normals_name(self) -> str:
        """Name of the normals' files: says all that was chosen."""
        space = "cam" if self.normal_space == "camera" else "world"
        unit = "_unit" if self.normal_range == "unit" else ""
        return f"normal_{space}_{self.green}{unit}"

    def lossless(self) -> Compression:
        """Compression of a file that holds a Cryptomatte."""
        return "zips" if self.compression in LOSSY else self.compression

    def record(self) -> dict[str, Any]:
        """Give the options as what JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "DeliveryOptions":
        """Read options back from what JSON holds."""
        tuples = {
            name: None if record[name] is None else tuple(record[name])
            for name in ("what", "passes", "frames")
        }
        return cls(**{**record, **tuples})


def _check(option: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    for word in given:
        if word not in known:
            raise InputError(f"{option}: expected any of {', '.join(known)}, got '{word}'")
