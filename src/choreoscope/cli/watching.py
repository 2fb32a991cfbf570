"""What ``choreoscope watch`` does: the generic watcher, given captures to make."""

import _thread
import contextlib
import dataclasses
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from choreoscope import __version__
from choreoscope.capture.config import Configuration, configure
from choreoscope.capture.film import FilmResult, capture_configured
from choreoscope.capture.film_record import is_made_with
from choreoscope.cli import flags
from choreoscope.cli.capture import list_of_clips
from choreoscope.cli.json_events import teller
from choreoscope.cli.queue_text import telling
from choreoscope.datatypes.errors import NOBODY_FOUND, WITH_GAPS, InputError
from choreoscope.pipeline.events import Events
from choreoscope.pipeline.watch.verdict import Verdict
from choreoscope.pipeline.watch.view import QueueView
from choreoscope.pipeline.watch.watcher import Watcher
from choreoscope.viewer.queue_page import write_queue_page
from choreoscope.viewer.timecode import duration_text

HELPER_PATIENCE_SECONDS = 30.0
MADE_WITH = f"Choreoscope {__version__}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command's options as typed; `flags` are keys of the configuration."""

    source: Path | None
    config: Path | None
    out: Path | None
    once: bool
    quiet: bool
    as_json: bool
    is_helper: bool
    flags: tuple[str, ...]


def run(request: Request) -> int:
    """Watch, and return the exit code.

    Raises
    ------
    InputError
        If configuration or folders cannot be used.
    KeyboardInterrupt
        On Ctrl-C, when everything has been put back.
    """
    if request.is_helper:
        _end_with_input()
    with (
        _terminated_like_interrupted(),
        teller(quiet=request.quiet, as_json=request.as_json) as tell,
    ):
        configuration = configure(request.config, flags.parse(request.flags)).values
        source, out = folders(request, configuration)
        watcher = Watcher(
            source,
            out,
            configuration.watch,
            process=Captures(configuration),
            probe=Probing(configuration),
            outdated=Outdating(configuration),
            events=telling(tell, quiet=request.quiet),
            publish=publish,
        )
        with _helpers(request, source, out, configuration.watch.films_at_once - 1):
            code = watcher.run(once=request.once)
        if request.once:
            # What the helpers have made counts as well.
            code = watcher.exit_code()
        tell.ended(code)
    return code


def folders(request: Request, configuration: Configuration) -> tuple[Path, Path]:
    """Return the watched folder and that of the results.

    Raises
    ------
    InputError
        If no folder is named.
    """
    source = request.source or configuration.folders.input
    if source is None:
        raise InputError(
            "which folder is to be watched? choreoscope watch IN, or folders.input in the "
            "configuration"
        )
    source = source.absolute()
    if source.is_file():
        raise InputError(f"{source} is a file; to work on one film: choreoscope capture {source}")
    beside = source.parent / f"{source.name}.choreoscope"
    return source, request.out or configuration.folders.output or beside


def publish(view: QueueView) -> None:
    """Write the status page.

    Raises
    ------
    OutputError, OSError
        If it cannot be written.
    """
    write_queue_page(view, made_with=MADE_WITH)


class Probing:
    """Tells whether a film can be decoded, and what it is.

    Parameters
    ----------
    configuration : Configuration
        Knows the rate of a series.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def __call__(self, film: Path) -> Mapping[str, str]:
        """Probe a film.

        Raises
        ------
        InputError
            If it cannot be decoded.
        """
        from choreoscope.capture.choosing import opened

        video = opened(film, fitting(self._configuration, film))
        last = video.frame_count - 1
        seconds = float(video.time_of(last) + 1 / video.rate)
        return {
            "length": duration_text(seconds),
            "frames": f"{video.frame_count} frames" if last else "1 frame",
            "size": f"{video.width} x {video.height}",
        }


class Outdating:
    """Tells whether a film that is done with is to be captured again: what is there already stays.

    Parameters
    ----------
    configuration : Configuration
        Of all films.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def __call__(self, film: Path, out: Path, state: str) -> str:
        """Say why; empty where nothing has changed."""
        if state == "gaps" and self._configuration.external:
            return "looked at again: files may have been delivered since"
        if is_made_with(out, fitting(self._configuration, film)):
            return ""
        return "the configuration has changed"


class Captures:
    """Makes everything of a film.

    Parameters
    ----------
    configuration : Configuration
        Of all films.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def __call__(self, film: Path, out: Path, events: Events) -> Verdict:
        """Capture a film.

        Raises
        ------
        ChoreoscopeError
            If the film cannot be gone through at all.
        """
        configuration = fitting(self._configuration, film)
        result = capture_configured(film, out, configuration, events)
        return verdict_of(result, film.name)


def fitting(configuration: Configuration, film: Path) -> Configuration:
    """Leave out the rate for a film that has its own: it is meant for the series."""
    if configuration.film.rate is None or film.is_dir():
        return configuration
    own = configuration.film.model_copy(update={"rate": None})
    return configuration.model_copy(update={"film": own})


def verdict_of(result: FilmResult, film: str) -> Verdict:
    """Say what became of a film, with the exit code that ``choreoscope capture`` would have."""
    failures = [outcome for clip in result.clips for outcome in clip.failures]
    people = max((len(found) for found in result.people.values()), default=0)
    gaps = _gaps(result)
    facts = {"people": str(people)}
    if len(result.clips) > 1:
        facts["clips"] = f"{len(result.clips)} clips"
    if gaps:
        facts["gaps"] = gaps
    verdict = Verdict(state="finished", report=_page(result, film), log=_log(result), facts=facts)
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        return dataclasses.replace(
            verdict,
            state="failed",
            exit_code=failures[0].exit_code,
            reason=f"{failures[0].error}{more}",
        )
    if gaps:
        return dataclasses.replace(verdict, state="gaps", exit_code=WITH_GAPS)
    if not people:
        reason = "nobody was found; the result is valid and empty"
        return dataclasses.replace(verdict, state="empty", exit_code=NOBODY_FOUND, reason=reason)
    return verdict


def _gaps(result: FilmResult) -> str:
    """Say which frames are missing; empty where none are."""
    said = []
    if result.undecodable:
        said.append(f"{len(result.undecodable)} frames do not decode ({result.undecodable})")
    for clip in result.clips:
        said += [f"{clip.clip} {stage} {frames}" for stage, frames in clip.gaps.items()]
    return "; ".join(said)


def _page(result: FilmResult, film: str) -> Path | None:
    """Return the page to look at; one that lists the clips where there are several."""
    page = list_of_clips(result, film)
    if page is None and result.reports:
        return result.reports[0]
    return page


def _log(result: FilmResult) -> Path | None:
    """Return the log of the first clip that failed, else of the first."""
    clips = sorted(result.clips, key=lambda clip: not clip.failures)
    logs = (clip.folder.log for clip in clips)
    return next((log for log in logs if log.exists()), None)


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let a polite request to end (SIGTERM) put everything back, as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _helpers(request: Request, source: Path, out: Path, count: int) -> Iterator[None]:
    """Let other processes work on the same queue; they end with us, however we end."""
    command = [sys.executable, "-m", "choreoscope", "watch", str(source), "--out", str(out)]
    command += ["--quiet", "--helper", *(["--once"] if request.once else [])]
    command += ["--config", str(request.config)] if request.config else []
    command += [*request.flags, "--watch.films_at_once=1"]
    started = [
        # They know that we have ended, even killed, by their input stream's end.
        subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(count)
    ]
    try:
        yield
        if request.once:
            for process in started:
                process.wait()
    finally:
        _stop(started)


def _stop(started: "list[subprocess.Popen[bytes]]") -> None:
    for process in started:
        if process.stdin is not None:
            process.stdin.close()
    for process in started:
        try:
            process.wait(HELPER_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            # A killed helper loses nothing: its film is taken up again.
            process.kill()
            process.wait()


def _end_with_input() -> None:
    """Stop as with Ctrl-C when the input stream ends, because our parent has ended."""
    # A watcher that a script put into the background ignores Ctrl-C, and its helpers inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def wait() -> None:
        sys.stdin.read()
        _thread.interrupt_main()

    threading.Thread(target=wait, name="parent", daemon=True).start()
