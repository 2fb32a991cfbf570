"""COLMAP on keyframes, in a process of its own: its C++ errors end the whole interpreter.

Run as ``python -m choreoscope.capture.camera.structure_run ORDER.json``; the order names pictures,
lens and limits, and the answer is written beside it as ``answer.npz``.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

_SEED = 1
_OVERLAP = 6
_SMALLEST_MODEL = 4
_FORWARD_BELOW = 4.0
"""Degrees: from the second attempt on."""
_LATE = 0.3
"""Share of the time allowed after which a poor model has to do."""
_LEAST_ANGLE = 1.5
"""COLMAP's own limit in degrees for points; lower where the camera hardly leaves its place."""
_FEWEST_POINTS = 60
_ENOUGH, _GOOD_ERROR_PX = 0.6, 0.6
"""Share of the keyframes that ends the attempts, less the pixels of error beyond a good one."""
_SMALLEST_FOCAL, _LARGEST_FOCAL = 0.2, 8.0


def main(order_path: Path) -> int:
    """Extract, match and map; 0 if a model came out, 1 if none did."""
    import pycolmap

    begun = time.monotonic()
    order: dict[str, Any] = json.loads(order_path.read_text(encoding="utf-8"))
    folder, pictures = order_path.parent, Path(order["pictures"])
    pycolmap.set_random_seed(_SEED)
    database = folder / "database.db"
    pycolmap.extract_features(
        database,
        pictures,
        image_names=order["names"],
        camera_mode=pycolmap.CameraMode.SINGLE,
        reader_options=_reading(pycolmap, order),
        extraction_options=_extraction(pycolmap, order),
    )
    pairing = pycolmap.SequentialPairingOptions()
    pairing.overlap, pairing.quadratic_overlap = _OVERLAP, True
    pairing.num_threads = order["threads"]
    pycolmap.match_sequential(database, pairing_options=pairing)
    best, best_score, count = None, 0.0, len(order["names"])
    for angle, hold in order["attempts"]:
        models = pycolmap.incremental_mapping(
            database, pictures, folder, _mapping(pycolmap, order, angle, hold=hold)
        )
        for model in models.values():
            if model.num_points3D() < _FEWEST_POINTS:
                continue
            over = max(0.0, model.compute_mean_reprojection_error() - _GOOD_ERROR_PX)
            score = model.num_reg_images() / count - over
            if best is None or score > best_score:
                best, best_score = model, score
        late = time.monotonic() - begun > _LATE * order["seconds"]
        if best_score >= _ENOUGH or (best is not None and late):
            break
    if best is None:
        return 1
    _answer(folder / "answer.npz", best)
    return 0


def _reading(pycolmap: Any, order: dict[str, Any]) -> Any:  # noqa: ANN401
    options = pycolmap.ImageReaderOptions()
    options.camera_model = order["model"]
    options.camera_params = ",".join(repr(float(value)) for value in order["params"])
    options.mask_path = Path(order["pictures"]) / "masks"
    return options


def _extraction(pycolmap: Any, order: dict[str, Any]) -> Any:  # noqa: ANN401
    options = pycolmap.FeatureExtractionOptions()
    options.sift.max_num_features = order["features"]
    # The pictures are small already; COLMAP would double them first.
    options.sift.first_octave = 0
    options.num_threads = order["threads"]
    return options


def _mapping(
    pycolmap: Any,  # noqa: ANN401
    order: dict[str, Any],
    angle: float,
    *,
    hold: bool,
) -> Any:  # noqa: ANN401
    options = pycolmap.IncrementalPipelineOptions()
    options.mapper.init_min_tri_angle = angle
    if angle < _FORWARD_BELOW:
        # Straight ahead is no bad start when it is all there is.
        options.mapper.init_max_forward_motion = 1.0
    narrow = min(_LEAST_ANGLE, angle / 3.0)
    options.mapper.filter_min_tri_angle = options.triangulation.min_angle = narrow
    options.min_model_size = _SMALLEST_MODEL
    options.num_threads, options.random_seed = order["threads"], _SEED
    options.extract_colors = False
    options.min_focal_length_ratio = _SMALLEST_FOCAL
    options.max_focal_length_ratio = _LARGEST_FOCAL
    # Left free, distortion and depth pass for each other where the camera moves little.
    options.ba_refine_extra_params = options.mapper.abs_pose_refine_extra_params = False
    if hold:
        options.ba_refine_focal_length = False
        options.mapper.abs_pose_refine_focal_length = False
    return options


def _answer(path: Path, model: Any) -> None:  # noqa: ANN401
    images = sorted((image for image in model.images.values() if image.has_pose), key=_name)
    camera = next(iter(model.cameras.values()))
    np.savez(
        path,
        names=np.array([image.name for image in images]),
        camera_from_world=np.array([image.cam_from_world().matrix() for image in images]),
        params=np.array(camera.params),
        points=np.array(model.num_points3D()),
        error_px=np.array(model.compute_mean_reprojection_error()),
    )


def _name(image: Any) -> str:  # noqa: ANN401
    return str(image.name)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
