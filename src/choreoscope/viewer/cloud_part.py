"""What the report tells of the cloud."""

from collections.abc import Callable
from importlib import resources
from typing import Any

from choreoscope.viewer.cloud_view import CloudView, packed_cloud
from choreoscope.viewer.report_data import ReportData
from choreoscope.viewer.timecode import time_code


def cloud_fields(data: ReportData, packed: Callable[[object], Any]) -> dict[str, Any]:
    """Everything the template ``cloud.html.j2`` asks for.

    Parameters
    ----------
    packed : callable
        Makes JSON that is safe inside a page.
    """
    if data.cloud is None or not data.cloud.moments:
        return {"cloud": None}
    from markupsafe import Markup

    view = data.cloud
    seconds = {one.frame: float(data.video.time_of(one.frame)) for one in view.moments}
    codes = {frame: time_code(one) for frame, one in seconds.items()}
    script = (resources.files("choreoscope.viewer") / "templates" / "cloud.js").read_text("utf-8")
    return {
        "cloud": {
            "moments": list(codes.values()),
            "label": f"The film lifted into space, turning: {', '.join(view.groups)}",
            "text": _text(view),
            "json": packed(packed_cloud(view, seconds, codes)),
            "script": Markup(script),  # noqa: S704
        }
    }


def _text(view: CloudView) -> str:
    count = len(view.moments)
    moments = "One moment" if count == 1 else f"{count} moments"
    return (
        f"{moments} of cloud/cloud.usdc, thinned out for this page; the file holds about "
        f"{view.points:,.0f} points in every frame."
    )
