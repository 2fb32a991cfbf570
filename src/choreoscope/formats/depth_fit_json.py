"""How raw depth of a clip becomes metres, as JSON."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError, OutputError, ShapeError

SCHEMA = "choreoscope.depth_fit"
VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthFitFile:
    """The fit of one clip.

    Attributes
    ----------
    space : str
        What the back end's numbers mean: metric, scale, affine, affine_inverse, scale_inverse.
    backend : str
        Who made them.
    fitted : bool
        False where metres are taken as they are.
    scale, offset : float
        ``scale * raw + offset`` is metres, or 1 / metres in inverse spaces.
    nearest, farthest : float
        Metres depth is kept between.
    covariance : (2, 2) float
        Of scale and offset.
    first_frame : int
        Source frame of the first row below.
    gain, gain_sigma : (T,) float
        Logarithm of the factor on metres in every frame, and one standard deviation of it.
    noise : float
        Standard deviation of single places, share of the depth.
    offsets_m : dict of str to (T,) float
        What each performer's depth is moved by, metres.
    residuals : tuple of dict
        Per kind of evidence: kind, samples, outliers, bias, spread, left_out_bias,
        left_out_spread, left_out.
    notes : tuple of str
        Sentences for people.
    """

    space: str
    backend: str
    fitted: bool
    scale: float
    offset: float
    nearest: float
    farthest: float
    covariance: Float[np.ndarray, "2 2"]
    first_frame: int
    gain: Float[np.ndarray, "T"]
    gain_sigma: Float[np.ndarray, "T"]
    noise: float
    offsets_m: Mapping[str, Float[np.ndarray, "T"]] = dataclasses.field(default_factory=dict)
    residuals: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_arrays(self)
        if not (math.isfinite(self.scale) and self.scale > 0 and math.isfinite(self.offset)):
            raise ShapeError(
                f"depth fit: expected a scale above 0 and a finite offset, got {self.scale} and "
                f"{self.offset}"
            )
        if not np.isfinite(self.gain).all():
            raise ShapeError("depth fit: gain holds values that are not finite")
        if any(len(one) != len(self.gain) for one in self.offsets_m.values()):
            raise ShapeError("depth fit: offsets and gain differ in length")


def write_depth_fit(path: Path, fit: DepthFitFile) -> None:
    """Write a fit; numbers that are not finite become null."""
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "space": fit.space,
        "backend": fit.backend,
        "fitted": fit.fitted,
        "scale": fit.scale,
        "offset": fit.offset,
        "nearest_m": fit.nearest,
        "farthest_m": _number(fit.farthest),
        "covariance": fit.covariance.tolist(),
        "noise": fit.noise,
        "residuals": [{key: _number(value) for key, value in row.items()} for row in fit.residuals],
        "notes": list(fit.notes),
        "first_frame": fit.first_frame,
        "log_gain": fit.gain.tolist(),
        "log_gain_sigma": fit.gain_sigma.tolist(),
        "offsets_m": {person: one.tolist() for person, one in fit.offsets_m.items()},
    }
    path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_depth_fit(path: Path) -> DepthFitFile:
    """Read a fit.

    Raises
    ------
    InputError
        If the file is absent, damaged or of another schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if (record["schema"], record["schema_version"]) != (SCHEMA, VERSION):
            raise InputError(f"{path}: expected version {VERSION} of {SCHEMA}")
        return DepthFitFile(
            space=str(record["space"]),
            backend=str(record["backend"]),
            fitted=bool(record["fitted"]),
            scale=float(record["scale"]),
            offset=float(record["offset"]),
            nearest=float(record["nearest_m"]),
            farthest=math.inf if record["farthest_m"] is None else float(record["farthest_m"]),
            covariance=np.array(record["covariance"], dtype=np.float64),
            first_frame=int(record["first_frame"]),
            gain=np.array(record["log_gain"], dtype=np.float64),
            gain_sigma=np.array(record["log_gain_sigma"], dtype=np.float64),
            noise=float(record["noise"]),
            offsets_m={
                str(person): np.array(one, dtype=np.float64)
                for person, one in record["offsets_m"].items()
            },
            residuals=tuple(dict(row) for row in record["residuals"]),
            notes=tuple(str(one) for one in record["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ShapeError) as error:
        raise InputError(f"{path} cannot be read ({error}); run the capture again") from error


def check_depth_fit(path: Path) -> DepthFitFile:
    """Re-read a file just written.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    try:
        return read_depth_fit(path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error


def _number(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value
