"""Finding weights: the user's folder, the cache, then each of a file's own sources in order.

Every file is checked by size and sha256 each time it is asked for. A file comes into the cache
whole or not at all: it grows under another name and is renamed when it has been checked.
"""

import dataclasses
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import (
    HttpsAddress,
    HubRevision,
    ModelRef,
    RunSettings,
    Source,
    WheelMember,
)
from choreoscope.pipeline.events import ignore
from choreoscope.pipeline.weights.addresses import take_https, take_hub
from choreoscope.pipeline.weights.checks import difference_from
from choreoscope.pipeline.weights.events import Events, SourceFailedError, WeightsEvent
from choreoscope.pipeline.weights.lock import folder_lock
from choreoscope.pipeline.weights.wheel import WheelShelf

NEXT_STEP = (
    "run 'choreoscope models fetch' where there is a network, or name a folder that holds the "
    "files: --weights FOLDER"
)
NO = frozenset({"", "0", "no", "off", "false"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a file of weights is on this machine.

    Attributes
    ----------
    where : {"folder", "cache", "absent"}
        The user's own folder, the cache, or neither.
    path : Path or None
        None when absent.
    wrong : str or None
        In what the file differs from what it should be.
    """

    where: Literal["folder", "cache", "absent"]
    path: Path | None = None
    wrong: str | None = None

    @property
    def usable(self) -> bool:
        """There, and the right file."""
        return self.path is not None and self.wrong is None


def cache_folder() -> Path:
    """Folder of fetched weights: below ``$CHOREOSCOPE_CACHE`` or the user's cache folder."""
    named = os.environ.get("CHOREOSCOPE_CACHE")
    if named:
        return Path(named).expanduser().absolute() / "weights"
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
        # the XDG specification: a relative path is invalid and to be ignored
        base = xdg if xdg.is_absolute() else home / ".cache"
    return base / "choreoscope" / "weights"


def user_folder(settings: RunSettings) -> Path | None:
    """Folder the user names: ``settings.weights_folder``, else ``$CHOREOSCOPE_WEIGHTS``.

    Raises
    ------
    WeightsError
        If it is no folder.
    """
    named = settings.weights_folder or os.environ.get("CHOREOSCOPE_WEIGHTS")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise WeightsError(f"{folder}: expected a folder of weights (--weights), found none")
    return folder


def is_offline(settings: RunSettings) -> bool:
    """Whether no connection may be opened: ``--offline`` or ``$CHOREOSCOPE_OFFLINE``."""
    return settings.offline or os.environ.get("CHOREOSCOPE_OFFLINE", "").lower() not in NO


def placement(ref: ModelRef, *, settings: RunSettings) -> Placement:
    """Look for a file on this machine and check it; opens no connection.

    Raises
    ------
    WeightsError
        If a file is there and cannot be read, or the user's folder is none.
    """
    folders: tuple[tuple[Literal["folder", "cache"], Path | None], ...] = (
        ("folder", user_folder(settings)),
        ("cache", cache_folder()),
    )
    for where, folder in folders:
        path = folder / ref.name if folder else None
        if path and path.exists():
            try:
                wrong = difference_from(path, ref)
            except OSError as error:
                raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
            return Placement(where=where, path=path, wrong=wrong)
    return Placement(where="absent")


def locate(ref: ModelRef, *, settings: RunSettings, events: Events | None = None) -> Path:
    """Return the path of one checked file, fetching it if need be; see `fetch`."""
    return fetch((ref,), settings=settings, events=events)[ref.name]


def fetch(
    refs: Iterable[ModelRef], *, settings: RunSettings, events: Events | None = None
) -> dict[str, Path]:
    """Return paths of checked files by name, fetching what is absent.

    Parameters
    ----------
    refs : iterable of ModelRef
        A wheel that holds several of them is fetched once.
    settings : RunSettings
        The user's folder and the offline switch.
    events : callable, optional
        Told `WeightsEvent`s; the licence of every absent file before anything is fetched.

    Raises
    ------
    WeightsError
        One line: the file in the user's folder is wrong; offline and not there, or wrong; or no
        source gives it, with the reason of each.
    """
    tell = events or ignore
    wanted = {ref.name: ref for ref in refs}
    found: dict[str, Path] = {}
    for ref in wanted.values():
        place = placement(ref, settings=settings)
        if place.where == "folder" and place.wrong:
            raise WeightsError(
                f"{place.path}: {place.wrong}; replace it, or leave --weights away to fetch it"
            )
        if place.path and place.usable:
            found[ref.name] = place.path
    missing = [ref for ref in wanted.values() if ref.name not in found]
    if missing and is_offline(settings):
        raise WeightsError(_offline_text(missing, settings))
    if missing:
        found |= _fetch_into(cache_folder(), missing, tell)
    return found


def _offline_text(missing: list[ModelRef], settings: RunSettings) -> str:
    states, absent = [], []
    for ref in missing:
        place = placement(ref, settings=settings)
        if place.wrong:
            states.append(f"{place.path}: {place.wrong}")
        else:
            absent.append(ref.name)
    if absent:
        folders = (user_folder(settings), cache_folder())
        where = " or ".join(str(folder) for folder in folders if folder)
        states.append(f"not in {where}: {', '.join(absent)}")
    return f"offline; {'; '.join(states)}; {NEXT_STEP}"


def _fetch_into(cache: Path, missing: list[ModelRef], tell: Events) -> dict[str, Path]:
    for ref in missing:
        tell(
            WeightsEvent(
                kind="licence",
                name=ref.name,
                text=source_text(ref.sources[0]) if ref.sources else "no source",
                total=ref.size,
                licence=ref.licence,
            )
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        waiting = WeightsEvent(
            kind="note", name=cache.name, text="another process is fetching weights; waiting for it"
        )
        with folder_lock(cache, lambda: tell(waiting)):
            return _fetch_locked(cache, missing, tell)
    except OSError as error:
        raise WeightsError(
            f"{error.filename or cache}: cannot be written: {error.strerror or error}; make room "
            "there, or name another cache folder: CHOREOSCOPE_CACHE=FOLDER"
        ) from error


def _fetch_locked(cache: Path, missing: list[ModelRef], tell: Events) -> dict[str, Path]:
    shelf = WheelShelf(cache / "downloads", tell)
    found: dict[str, Path] = {}
    failures: dict[str, list[str]] = {}
    try:
        for ref in missing:
            target = cache / ref.name
            # another process may have brought it while this one waited for the lock
            if not target.exists() or difference_from(target, ref):
                reason = _from_sources(ref, target, shelf, tell)
                if reason:
                    failures.setdefault(reason, []).append(ref.name)
                    continue
            found[ref.name] = target
    finally:
        shelf.clear()
    if failures:
        text = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in failures.items())
        raise WeightsError(f"cannot get {text}; {NEXT_STEP}")
    return found


def _from_sources(ref: ModelRef, target: Path, shelf: WheelShelf, tell: Events) -> str | None:
    """Put the file at ``target`` from the first source that gives it, or say why none does."""
    part = target.with_name(f"{target.name}.part")
    reasons = []
    for source in ref.sources:
        try:
            _take(source, ref, part, shelf, tell)
        except SourceFailedError as error:
            reasons.append(str(error))
            if source is not ref.sources[-1]:
                text = f"{error}; trying the next source"
                tell(WeightsEvent(kind="note", name=ref.name, text=text))
            continue
        if target.exists():
            aside = target.with_name(f"{target.name}.corrupt")
            target.replace(aside)
            text = f"the file in the cache was corrupt; it was moved to {aside.name}"
            tell(WeightsEvent(kind="note", name=ref.name, text=text))
        part.replace(target)
        tell(WeightsEvent(kind="done", name=ref.name, done=ref.size, total=ref.size))
        return None
    return "; ".join(reasons) or "it has no source; it can only be put into a folder by hand"


def _take(source: Source, ref: ModelRef, part: Path, shelf: WheelShelf, tell: Events) -> None:
    def report(done: int, total: int) -> None:
        tell(WeightsEvent(kind="progress", name=ref.name, done=done, total=total))

    match source:
        case WheelMember():
            shelf.take_member(source, part, licence_file(part.with_suffix("")))
        case HttpsAddress():
            take_https(source, ref, part, report)
        case HubRevision():
            take_hub(source, ref, part, report)
    wrong = difference_from(part, ref)
    if wrong:
        part.unlink()
        raise SourceFailedError(f"{source_text(source)} holds another file: {wrong}")


def licence_file(path: Path) -> Path:
    """Where the licence text of a cached file lies, if its source had one."""
    return path.with_name(f"{path.name}.LICENSE.txt")


def source_text(source: Source) -> str:
    """Name a source in one line."""
    match source:
        case WheelMember():
            return f"{source.wheel} ({source.wheel_size / 1e6:.1f} MB) from the package index"
        case HttpsAddress():
            return source.url
        case HubRevision():
            return f"model hub {source.repository} at {source.revision}"
