"""The turning cloud in a real browser: it is drawn, it turns, a moment can be chosen."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_browser import NAMES, WITHOUT_GL, Browser
from test_cloud_view import COUNT, take, two_groups
from viewer_builders import MakeData

from choreoscope.datatypes.frames import FrameRange
from choreoscope.viewer.cloud_view import cloud_view
from choreoscope.viewer.report import write_report

pytestmark = pytest.mark.slow

RED = """(() => {
  const canvas = document.getElementById("cloud-canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0, places = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] > 150 && data[i + 1] < 90) { count += 1; places = (places * 31 + i) % 1000003; }
  }
  return [count / (data.length / 4), places];
})()"""
"""Share of the picture that is the red ball, and a number that changes when it moves."""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("needs Chromium on the path (Debian: apt-get install chromium)")
    opened = Browser(program, tmp_path / "profile", WITHOUT_GL)
    yield opened
    opened.close()


def test_the_cloud_turns(browser: Browser, make_data: MakeData, tmp_path: Path) -> None:
    path = take(tmp_path / "c.usdc", ("P01", "Scene"), two_groups)
    write_report(
        tmp_path / "r.html", make_data(overlay=None, cloud=cloud_view(path, FrameRange(0, COUNT)))
    )
    browser.open(tmp_path / "r.html")
    browser.value("document.getElementById('cloud').scrollIntoView({behavior: 'instant'})")
    browser.until(f"{RED}[0] > 0.005")
    before = browser.value(RED)
    time.sleep(0.5)
    assert browser.value(RED)[1] != before[1]
    browser.value("document.querySelector('[data-moment=all]').click()")
    pressed = "document.querySelector('#cloud [aria-pressed=true]').dataset.moment"
    browser.until(f"{pressed} === 'all'")
    browser.value("document.querySelector('[data-moment=\"2\"]').click()")
    browser.until(f"{pressed} === '2'")
    # The test itself reads the picture back.
    assert [one for one in browser.troubles() if "readback" not in one] == []
    assert {url for url in browser.asked_for() if url.startswith("http")} == set()
