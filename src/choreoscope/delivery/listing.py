"""What a delivery holds, as users have to name it in their programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from choreoscope.delivery.names import FIXED, LAYERS, mask_name
from choreoscope.delivery.pictures import layer_channels

if TYPE_CHECKING:
    from choreoscope.delivery.options import DeliveryOptions

PNG = "_png"


def sequence_names(
    names: Sequence[str], ids: Mapping[str, Sequence[str]], options: "DeliveryOptions"
) -> list[str]:
    """Folders of pictures, without the shot's name before them."""
    found: list[str] = []
    people = ids.get("people", ())
    for name in names:
        if "exr" in options.what:
            found += _exr_names(name, people, options)
        if "png" in options.what:
            found += [f"{one}{PNG}" for one in _png_names(name, people, options)]
    return found + ([LAYERS] if "layers" in options.what else [])


def _exr_names(name: str, people: Sequence[str], options: "DeliveryOptions") -> list[str]:
    if name == "masks":
        return [mask_name(person) for person in people]
    return [options.normals_name if name == "normals" else FIXED.get(name, name)]


def _png_names(name: str, people: Sequence[str], options: "DeliveryOptions") -> list[str]:
    match name:
        case "alpha":
            return ["alpha_straight"]
        case "masks":
            return [mask_name(person) for person in people]
        case "normals":
            return [options.normals_name.removesuffix("_unit") + "_unit"]
        case "depth":
            return ["depth_normalised"]
        case _:
            return []


def channel_names(names: Sequence[str], ids: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Channels of the layered file by pass, as Fusion and Resolve want them typed."""
    people = ids.get("people", ())
    return {name: layer_channels(name, people) for name in names}
