from choreoscope.capture.cloud.command import lift_depth as lift_depth
from choreoscope.capture.config import configure as configure
from choreoscope.capture.film import CaptureOptions as CaptureOptions
from choreoscope.capture.film import FilmResult as FilmResult
from choreoscope.capture.film import LensRequest as LensRequest
from choreoscope.capture.film import capture_configured as capture_configured
from choreoscope.capture.film import capture_video as capture_video
from choreoscope.capture.film import load_result as load_result
from choreoscope.capture.repair import repair as repair
from choreoscope.datatypes.models import Limits as Limits
from choreoscope.datatypes.models import RunSettings as RunSettings
from choreoscope.formats.masks_json import read_masks as read_masks
from choreoscope.formats.motion_npz import read_motion as read_motion

__version__: str
