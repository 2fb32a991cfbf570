"""A night's work in small: films dropped into a watch folder, the watcher killed twice."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks import captures
from benchmarks.night_films import EARLY, LATE, Guest, guests

FINAL = ("finished", "gaps", "failed", "skipped")
SECONDS_BETWEEN_ARRIVALS = 3.0
LONGEST_NIGHT = 45 * 60.0
KILLS = 2
MOST_GROWTH = 1.15
PAGE = os.sysconf("SC_PAGE_SIZE")
REPLACEMENT = "tfjs_squats/pose_1.mp4"


@dataclasses.dataclass(slots=True)
class Watcher:
    """The command ``choreoscope watch`` as a process group that can be killed."""

    source: Path
    out: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "choreoscope", "watch", str(self.source)]
        command += ["--out", str(self.out), "--quiet", "--watch.still_seconds", "2"]
        command += ["--watch.series_still_seconds", "4", "--watch.poll_seconds", "0.5"]
        command += ["--film.rate", "25"]
        self.process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)

    def end(self, how: signal.Signals) -> None:
        """End all of its processes."""
        if self.process is not None:
            os.killpg(self.process.pid, how)
            self.process.wait()

    @property
    def memory_mb(self) -> float:
        """Resident memory of all its processes, MB."""
        if self.process is None:
            return 0.0
        found = 0
        for place in Path("/proc").glob("[0-9]*"):
            try:
                group = int((place / "stat").read_text().rpartition(")")[2].split()[2])
                if group == self.process.pid:
                    found += int((place / "statm").read_text().split()[1]) * PAGE
            except (OSError, IndexError):
                continue
        return found / 2**20


def records(out: Path) -> dict[str, dict[str, object]]:
    """Every film's record, by its name."""
    found = {}
    for path in (out / "queue").glob("*.json"):
        try:
            record = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if "film" in record:
            found[str(record["film"])] = record
    return found


def drop_in(source: Path, coming: list[Guest]) -> None:
    """Drop everything in, one after the other, while the watcher works."""
    for guest in coming:
        path = source / guest.name
        path.parent.mkdir(parents=True, exist_ok=True)
        guest.drop(path)
        time.sleep(SECONDS_BETWEEN_ARRIVALS)


def at_work(out: Path) -> list[str]:
    """Names of the films that are worked on."""
    return [name for name, record in records(out).items() if record["state"] == "working"]


def wait_for_work(out: Path, seconds: float) -> list[str]:
    """Wait until something is worked on, and then for a while."""
    while not at_work(out):
        time.sleep(0.05)
    time.sleep(seconds)
    return at_work(out)


def replace_at_work(data: Path, source: Path, out: Path, stop: threading.Event) -> None:
    """Exchange the film 'replaced.mp4' for another as soon as it is worked on."""
    while not stop.is_set():
        if "replaced.mp4" in at_work(out):
            time.sleep(1.0)
            (source / "replaced.mp4").write_bytes((data / "video" / REPLACEMENT).read_bytes())
            return
        time.sleep(0.05)


def spend_the_night(
    data: Path, source: Path, out: Path
) -> tuple[list[Guest], set[str], dict[str, float]]:
    """Run it all; return the guests, the films killed at work, and each film's peak memory."""
    rng = np.random.default_rng(11)
    coming = guests(data)
    watcher, stop = Watcher(source, out), threading.Event()
    watcher.start()
    helpers = [
        threading.Thread(target=drop_in, args=(source, coming), daemon=True),
        threading.Thread(target=replace_at_work, args=(data, source, out, stop), daemon=True),
    ]
    for helper in helpers:
        helper.start()
    hit: set[str] = set()
    for _ in range(KILLS):
        hit |= set(wait_for_work(out, float(rng.uniform(10, 30))))
        watcher.end(signal.SIGKILL)
        watcher.start()
    memory: dict[str, float] = {}
    began = time.monotonic()
    while helpers[0].is_alive() or not all_final(out, coming):
        now = watcher.memory_mb
        memory |= {name: max(now, memory.get(name, 0.0)) for name in at_work(out)}
        if time.monotonic() - began > LONGEST_NIGHT:
            break
        time.sleep(0.5)
    stop.set()
    watcher.end(signal.SIGTERM)
    return coming, hit, memory


def all_final(out: Path, coming: list[Guest]) -> bool:
    """Whether the queue has done with everything."""
    states = {name: record["state"] for name, record in records(out).items()}
    return all(states.get(guest.name) in FINAL for guest in coming)


def hashes(result: Path) -> dict[str, str]:
    """Hash of every file of a result but the page, which holds timings."""
    found = {}
    for path in sorted(result.glob("**/work/manifests/*.json")):
        for file in json.loads(path.read_text("utf-8"))["files"]:
            if file["kind"] != "report":
                place = path.parents[2].relative_to(result) / file["path"]
                found[place.as_posix()] = file["sha256"]
    return found


def main() -> int:
    """Spend the night, tell what became of every film, and return 0 when all is as it should be."""
    data = captures.shared_data()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in", Path(folder) / "out"
        source.mkdir()
        began = time.monotonic()
        coming, hit, memory = spend_the_night(data, source, out)
        print(f"the night took {(time.monotonic() - began) / 60:.1f} min, {KILLS} kills")
        bad = judge_films(out, coming)
        bad += judge_killed(source, out, hit, Path(folder) / "calm")
        bad += judge_memory(memory)
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return 1 if bad else 0


def judge_films(out: Path, coming: list[Guest]) -> list[str]:
    """Print every film's end; return those that ended as they should not."""
    ended, bad = records(out), []
    for guest in coming:
        record = ended.get(guest.name, {"state": "never seen"})
        state, code = record["state"], record.get("exit_code")
        right = state in guest.states and (code in guest.exit_codes or state == "skipped")
        print(f"{guest.name:44} {state!s:9} {code!s:5} {record.get('reason') or ''}")
        if not right:
            bad.append(guest.name)
        elif state in ("finished", "gaps"):
            command = [sys.executable, "-m", "choreoscope", "verify", str(out / guest.name)]
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            if checked.returncode not in (0, 7):
                bad.append(f"verify of {guest.name}: {checked.stdout.strip()[-300:]}")
    return bad


def judge_killed(source: Path, out: Path, hit: set[str], calm: Path) -> list[str]:
    """Capture what was killed at work once more, undisturbed; the bytes must be the same."""
    bad = []
    for name in sorted(hit):
        captures.capture(source / name, calm / name)
        same = hashes(calm / name) == hashes(out / name) != {}
        print(f"killed at work, then finished: {name}: {'same bytes' if same else 'OTHER BYTES'}")
        if not same:
            bad.append(f"bytes of {name}")
    return bad


def judge_memory(memory: dict[str, float]) -> list[str]:
    """Compare the peak of a film early in the night with that of the same film at its end."""
    early, late = memory.get(EARLY, 0.0), memory.get(LATE, 0.0)
    print(f"peak memory: {early:.0f} MB for {EARLY}, {late:.0f} MB for the same film at the end")
    return [] if 0 < late <= early * MOST_GROWTH else ["memory"]


if __name__ == "__main__":
    sys.exit(main())
