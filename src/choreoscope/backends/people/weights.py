"""Weights of the default people back end: members of one pinned mediapipe wheel.

The members are the same bytes in the wheels of every system, so one wheel serves all. The
package itself is never installed: only these files are taken out of it.
"""

from choreoscope.datatypes.models import Licence, ModelRef, Tier, WheelMember

MEDIAPIPE = Licence(
    name="Apache-2.0",
    tier=Tier.COMMERCIAL,
    notice="MediaPipe models, copyright The MediaPipe Authors, Apache License 2.0",
    url="https://github.com/google-ai-edge/mediapipe",
)


def _member(folder: str, name: str, size: int, sha256: str) -> ModelRef:
    return ModelRef(
        name=name,
        version="0.10.21",
        sources=(
            WheelMember(
                requirement="mediapipe==0.10.21",
                wheel="mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl",
                wheel_sha256="956eb1ebc275c629e61b085b2cab89c3a5b9e93bad1bb107348d98dafb5a4bb5",
                wheel_size=35_627_340,
                member=f"mediapipe/modules/{folder}/{name}",
                licence_member="mediapipe-0.10.21.dist-info/LICENSE",
            ),
        ),
        sha256=sha256,
        size=size,
        licence=MEDIAPIPE,
    )


POSE_DETECTION = _member(
    "pose_detection",
    "pose_detection.tflite",
    2_959_046,
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
)
POSE_LANDMARK = _member(
    "pose_landmark",
    "pose_landmark_full.tflite",
    6_440_512,
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
)
HAND_LANDMARK = _member(
    "hand_landmark",
    "hand_landmark_full.tflite",
    5_478_917,
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
)
FACE_LANDMARK = _member(
    "face_landmark",
    "face_landmark.tflite",
    1_242_398,
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)

BLAZEPOSE_WEIGHTS = (POSE_DETECTION, POSE_LANDMARK, HAND_LANDMARK, FACE_LANDMARK)
"""All that the default needs: 16.1 MB."""
