"""The way of the main job: a film in, one finished folder per shot out."""

import dataclasses
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.capture.recipes import mocap_recipe, shots_recipe
from choreoscope.capture.stages.lens import LensOptions
from choreoscope.datatypes.errors import ChoreoscopeError, InputError, StageFailedError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.shots import Shot
from choreoscope.datatypes.video import Clip, Video
from choreoscope.formats.shots_json import read_shots
from choreoscope.pipeline.events import Events, ignore
