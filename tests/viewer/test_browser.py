"""The page in a real browser: no script error, and the script reads what Python wrote.

Needs Chromium or Chrome on the path; drives it through its debugging pipe, without any network.
"""

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from viewer_builders import MakeData, MakeMotion, dressed, entry_of, manifest

from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.motion.body_figure import figure_of_person, skinned
from choreoscope.viewer.figure import figure_points
from choreoscope.viewer.report import write_report

if sys.platform == "win32":
    pytest.skip("the debugging pipe needs POSIX file numbers", allow_module_level=True)
import fcntl

pytestmark = pytest.mark.slow
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
    "--window-size=1280,900",
)
WITH_GL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
WITHOUT_GL = ("--disable-gpu", "--disable-3d-apis")


class Browser:
    """One page of one headless browser."""

    def __init__(self, program: str, profile: Path, flags: tuple[str, ...]) -> None:
        reader, self._to = os.pipe()
        self._from, writer = os.pipe()
        # The browser listens on file 3 and answers on file 4; ours must not be in the way.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (reader, writer)]
        actions = [(os.POSIX_SPAWN_DUP2, end, 3 + k) for k, end in enumerate(ends)]
        quiet = os.open(os.devnull, os.O_WRONLY)
        actions += [(os.POSIX_SPAWN_DUP2, quiet, 2)]
        argv = [program, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        self._pid = os.posix_spawn(program, argv, os.environ, file_actions=actions)
        for end in (reader, writer, quiet, *ends):
            os.close(end)
        self._rest, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser went away"
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def value(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        deadline = time.monotonic() + 20
        while not self.value(script):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.05)

    def open(self, path: Path) -> None:
        self.call("Page.navigate", url=path.as_uri())
        self.until("document.readyState === 'complete' && typeof Report === 'object'")

    def troubles(self) -> list[str]:
        found = []
        for event in self.events:
            params = event.get("params", {})
            level = params.get("entry", {}).get("level") or params.get("type")
            if event.get("method") == "Runtime.exceptionThrown" or level in ("error", "warning"):
                found.append(json.dumps(params)[:400])
        return found

    def asked_for(self) -> set[str]:
        return {
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        }

    def close(self) -> None:
        self._session = ""
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)


@pytest.fixture(params=[WITH_GL, WITHOUT_GL], ids=["webgl", "strokes"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("needs Chromium on the path (Debian: apt-get install chromium)")
    opened = Browser(program, tmp_path / "profile", request.param)
    yield opened
    opened.close()


def test_the_page_works(
    browser: Browser, make_data: MakeData, make_motion: MakeMotion, tmp_path: Path
) -> None:
    clip = FrameRange(0, 40)
    done = FrameSet.of([FrameRange(0, 30), FrameRange(31, 40)])
    data = make_data(
        overlay=None,
        people=(
            entry_of("person-1", make_motion(40, unseen=(7, 8))),
            entry_of("person-2", make_motion(25, first=10, at=(1.0, -1.0))),
        ),
        manifests={
            "observe": manifest("observe", clip, done=done, failed={"30:31": "torn frame"}),
            "motion": manifest("motion", clip),
        },
    )
    page = tmp_path / "report.html"
    write_report(page, data)
    browser.open(page)

    for number, entry in enumerate(data.people):
        assert entry.motion is not None
        read = browser.value(f"Array.from(Report.people[{number}].points)")
        truth = figure_points(entry.motion)
        assert np.abs(np.array(read).reshape(truth.shape) - truth).max() < 1e-3
    assert browser.value("document.querySelectorAll('#timings-table tbody tr').length") == 3

    browser.value("Report.seekFrame(30)")
    assert browser.value("document.getElementById('frame-number').textContent") == "frame 30"
    for view in ("film", "front", "side", "above", "home"):
        browser.value(f"Report.view.set('{view}')")
    browser.value("Report.view.trails('limbs'); Report.view.follow('person-2')")
    browser.value("Report.view.turn(0.3, 0.1); Report.view.zoom(0.5); Report.view.move(9, 9)")
    browser.value("Report.seek(1.4); Report.play()")
    browser.until("!Report.clock.playing")
    assert browser.value("Report.frameNow()") == 39

    strip = "document.querySelectorAll('.strip')[0]"
    hover = (
        f"(() => {{ const box = {strip}.getBoundingClientRect();"
        " const at = {clientX: box.left + box.width * 30.6 / 40, clientY: box.top + 5};"
        f" {strip}.dispatchEvent(new PointerEvent('pointermove', at));"
        " return document.getElementById('tip').textContent; })()"
    )
    assert "frame 30, 00:01.200: missing, torn frame" in browser.value(hover)
    assert browser.troubles() == []
    assert all(url.startswith(("file:", "data:", "about:")) for url in browser.asked_for())


def test_bodies_bend_in_the_page_as_in_python(
    browser: Browser, make_data: MakeData, make_motion: MakeMotion, tmp_path: Path
) -> None:
    motion, body = dressed(1.7, frames=40)
    data = make_data(
        overlay=None,
        people=(
            entry_of("person-1", motion, body=body),
            entry_of("person-2", make_motion(25, first=10, at=(1.0, -1.0))),
        ),
    )
    page = tmp_path / "report.html"
    write_report(page, data)
    browser.open(page)
    bend = (
        "(() => { const person = Report.people[0]; const width = person.size * 3;"
        " const points = person.points.subarray(width * 7, width * 8);"
        " return Array.from(Figures.bend(person.body, points, 7, 7, 0)); })()"
    )
    mesh, _ = figure_of_person(motion.skeleton, body, "low")
    found = np.array(browser.value(bend)).reshape(-1, 3)
    assert np.abs(found - skinned(mesh, motion, np.array([7]))[0]).max() < 6e-3
    browser.value("Report.seekFrame(12)")
    browser.value("Report.view.set('above'); Report.seek(0.2); Report.play()")
    browser.until("Report.clock.time > 0.5")
    assert browser.value("Report.people[1].body") is None
    assert browser.troubles() == []


def test_a_missing_film_is_stood_in_for(
    browser: Browser, make_data: MakeData, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    write_report(page, make_data())
    browser.open(page)
    browser.until("!document.getElementById('film-note').hidden")
    browser.value("Report.play()")
    browser.until("Report.clock.time > 0.1")
    assert browser.value("document.getElementById('flipbook').src.startsWith('data:')")


def test_nobody_found_works_too(browser: Browser, make_data: MakeData, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(page, make_data(people=(), overlay=None, camera=None))
    browser.open(page)
    browser.value("Report.seekFrame(3)")
    assert browser.troubles() == []
