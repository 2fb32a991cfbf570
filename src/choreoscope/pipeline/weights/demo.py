"""The film of ``make demo``: fetched and checked by the same means as weights."""

from choreoscope.datatypes.models import Licence, ModelRef, Tier, WheelMember

DEMO_CLIP = ModelRef(
    name="demo-clip.mp4",
    version="0.8.34",
    sources=(
        WheelMember(
            requirement="sports2d==0.8.34",
            wheel="sports2d-0.8.34-py3-none-any.whl",
            wheel_sha256="733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
            wheel_size=9_050_415,
            member="Sports2D/Demo/demo.mp4",
            licence_member="sports2d-0.8.34.dist-info/licenses/LICENSE",
        ),
    ),
    sha256="d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
    size=3_968_304,
    licence=Licence(
        name="BSD-3-Clause",
        tier=Tier.COMMERCIAL,
        notice="Demo clip of Sports2D, copyright (c) 2022 perfanalytics, BSD 3-Clause License",
        url="https://github.com/davidpagnon/Sports2D",
    ),
)
"""Two people, one of whom somersaults off a roof; 230 frames, 30 per second, silent."""
