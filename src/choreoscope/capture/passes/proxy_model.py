"""Passes rendered from what the solve knows: shared by the back ends named ``proxy``.

They show bodies without hair, clothes and things held, and a bare floor; nothing of the film's
pixels enters. So they are steady, metric and complete, and wrong wherever a performer is not
solved well or wears more than skin.
"""

import abc
import time
from collections.abc import Sequence

import numpy as np

from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    Feeding,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.capture.passes.proxy_outline import carry_on
from choreoscope.capture.passes.proxy_parts import BODY_PARTS
from choreoscope.capture.passes.proxy_scene import FLOOR, ProxyScene
from choreoscope.datatypes.errors import InputError
from choreoscope.rendering.soft import Rendered

_BATCH = 8
OPENGL = np.array([1.0, -1.0, -1.0], dtype=np.float32)
"""OpenGL camera axes from OpenCV's: y up, z to the viewer."""


class ProxyModel(abc.ABC):
    """One pass of a shot's proxy scene; see `interfaces.PassModel`.

    Parameters
    ----------
    options : ProxyOptions
        What is shown.
    threads : int
        Of the renderer; the result does not depend on it.
    """

    feeding: Feeding = Frames(batch=_BATCH)
    origin = "proxy"
    parted = False
    moving = False
    surfaces = True

    def __init__(self, options: ProxyOptions, *, threads: int = 1) -> None:
        self._options, self._threads = options, threads
        self._scene: ProxyScene | None = None
        self._seconds = 0.0

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time of this process while rendering, all threads added.

        What else runs at the same moment, writing the frame before, is counted too.
        """
        return self._seconds

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for people about the shot last begun."""
        begun = self._scene.notes if self._scene is not None else ()
        return ("proxy: rendered from the solved bodies and floor, not from the film", *begun)

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next.

        Raises
        ------
        InputError
            If it has no solved camera.
        """
        self._scene = ProxyScene(shot, self._options, parted=self.parted, threads=self._threads)

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `interfaces.PassModel.infer`."""
        del state
        if self._scene is None:
            raise InputError("proxy: start() is called before infer()")
        begun = time.process_time()
        wanted = [frame.frame for frame in frames]
        scene = self._scene
        answers = []
        pictures = scene.pictures(wanted, flow=self.moving)
        for frame, seen in zip(frames, pictures, strict=True):
            if self.surfaces and self._options.outline == "mask":
                carry_on(seen, scene.people, frame.people)
            answers.append(self._answer(seen, scene.people))
        self._seconds += time.process_time() - begun
        return answers, {}

    @abc.abstractmethod
    def _answer(self, seen: Rendered, people: tuple[str, ...]) -> Answer:
        """Turn a rendered frame into the task's answer."""


class ProxyDepth(ProxyModel):
    """Depth of bodies and floor, metres along the camera's z; NaN where nothing is."""

    depth_space: DepthSpace = "metric"

    def _answer(self, seen: Rendered, people: tuple[str, ...]) -> Answer:
        del people
        seen.depth[np.isinf(seen.depth)] = np.nan
        return {"depth": seen.depth}


class ProxyNormals(ProxyModel):
    """Normals of bodies and floor, camera axes of OpenGL; 0 where nothing is."""

    def _answer(self, seen: Rendered, people: tuple[str, ...]) -> Answer:
        del people
        return {"normals": seen.normals * OPENGL}


class ProxyParts(ProxyModel):
    """Body parts; -1 where nobody is."""

    parted = True
    part_names: tuple[str, ...] = BODY_PARTS

    def _answer(self, seen: Rendered, people: tuple[str, ...]) -> Answer:
        del people
        return {"parts": np.where(seen.instance > FLOOR, seen.part, -1).astype(np.int32)}


class ProxyMatte(ProxyModel):
    """Silhouettes of the bodies: 1 inside, 0 outside, nothing between."""

    surfaces = False

    def _answer(self, seen: Rendered, people: tuple[str, ...]) -> Answer:
        own = {
            f"alpha.{person}": (seen.instance == number).astype(np.float32)
            for number, person in enumerate(people, start=FLOOR + 1)
        }
        return {"alpha": (seen.instance > FLOOR).astype(np.float32), **own}


class ProxyFlow(ProxyModel):
    """Motion of bodies, floor and camera, pixels; 0 beside the shot's ends.

    Where nothing is, the picture is taken to be infinitely far: only the camera's turn moves it.
    """

    moving = True
    surfaces = False

    def _answer(self, seen: Rendered, people: tuple[str, ...]) -> Answer:
        del people
        still = np.zeros((*seen.depth.shape, 2), dtype=np.float32)
        return {
            name: still if one is None else np.nan_to_num(one, copy=False)
            for name, one in (("flow", seen.flow), ("flow_back", seen.flow_back))
        }
