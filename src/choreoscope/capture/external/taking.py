"""Taking a delivery in: wait, decide, convert window by window, hand out what is missing."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from choreoscope.capture.external.conversion import Frame, Rules, converted
from choreoscope.capture.external.decisions import Circumstances, decide
from choreoscope.capture.external.delivery import Delivery, Source
from choreoscope.capture.external.errand import GROWING, Errand, decided, gaps_of, is_same
from choreoscope.capture.external.missing import hand_out
from choreoscope.capture.external.reading import Reader, values_of
from choreoscope.capture.external.reference import people_distances, rotations
from choreoscope.capture.external.waiting import wait
from choreoscope.datatypes.artifacts import external_kind, frame_name
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.external_json import Taken, WindowRecord, read_window, write_window
from choreoscope.formats.passes import read_pass, write_pass
from choreoscope.pipeline.stage import Job

WINDOW_FRAMES = 32

Outcome = tuple[np.ndarray, dict[str, str]] | str
"""A pass's numbers and the attributes of its file, or why there are none."""


def window_name(window: FrameRange) -> str:
    """File name of a window; sorts in time."""
    return f"{window.start:08d}-{window.stop:08d}"


class Taker:
    """Does one errand as a stage's job.

    Parameters
    ----------
    errand : Errand
        What is to be taken in.
    job : Job
        The engine's side of it.
    """

    def __init__(self, errand: Errand, job: Job) -> None:
        self._errand = errand
        self._job = job
        self._kind = external_kind(errand.stage)
        self._passes = errand.passes
        self._records = [read_window(path) for path in job.previous(self._kind).values()]
        self._there = {name: job.previous(name) for name in self._passes}
        self._before = {
            name: {
                frame: taken
                for record in self._records
                for frame, taken in record.taken.get(name, {}).items()
            }
            for name in self._passes
        }
        self._reader = Reader()

    def run(self) -> None:
        """Wait, decide, take in, hand out."""
        with contextlib.closing(self._reader):
            self._run()

    def _run(self) -> None:
        options, job = self._errand.options, self._job
        before = decided(self._records)
        finder = self._errand.finder(options.quiet_seconds, before)
        windows = self._windows()
        delivery = wait(
            lambda: self._errand.look(finder),
            lambda seen: self._count(seen, windows),
            timeout=options.timeout,
            poll=options.poll_seconds,
            tell=lambda there, wanted: job.progress(there, wanted, "file"),
        )
        camera = next(iter(self._inputs("camera").values()), None)
        people = people_distances(camera, self._inputs("motion"), job.frames)
        size = (job.video.width, job.video.height)
        given = Circumstances(passes=self._passes, size=size, people=people)
        decisions, notes = decide(delivery, before, given, self._reader)
        for note in (*delivery.notes, *notes):
            job.note(note)
        rules = Rules(
            passes=self._passes,
            decisions=decisions,
            depth_keys=options.depth_keys,
            rotations=rotations(camera, job.frames),
        )
        with ThreadPoolExecutor(max_workers=job.settings.workers) as threads:
            fresh = [self._take(window, delivery, rules, threads) for window in windows]
        self._hand_out(fresh)

    def _windows(self) -> list[FrameRange]:
        # Windows that touch were one before they were cut for other kinds of files.
        asked = FrameSet.of(self._job.windows)
        return [
            part
            for window in self._job.frames.windows(WINDOW_FRAMES)
            for part in (FrameSet.of([window]) & asked).ranges
        ]

    def _inputs(self, kind: str) -> Mapping[str, Path]:
        needed = ("depth" in self._passes) or ("normals" in self._passes)
        return self._job.inputs(kind) if needed else {}

    def _count(self, delivery: Delivery, windows: Sequence[FrameRange]) -> tuple[int, int]:
        there = sum(
            (found is not None and not found.is_growing) or self._is_kept(name, frame, found)
            for name in self._passes
            for window in windows
            for frame in window
            for found in (delivery.sources[name].get(frame),)
        )
        return there, len(self._passes) * sum(map(len, windows))

    def _is_kept(self, name: str, frame: int, source: Source | None) -> bool:
        if frame_name(frame) not in self._there[name]:
            return False
        return is_same(self._before[name].get(frame), source)

    def _take(
        self, window: FrameRange, delivery: Delivery, rules: Rules, threads: ThreadPoolExecutor
    ) -> WindowRecord:
        taken: dict[str, dict[int, Taken]] = {name: {} for name in self._passes}
        for frame in window:
            for name, one in self._frame(frame, delivery, rules, threads).items():
                taken[name][frame] = one
            self._job.progress(frame + 1 - self._job.frames.start, len(self._job.frames), "frame")
        record = WindowRecord(
            stage=self._errand.stage,
            frames=window,
            decisions={name: one.record() for name, one in rules.decisions.items()},
            taken=taken,
        )
        write_window(self._job.output(self._kind, window=window_name(window)), record)
        self._report(record)
        self._job.commit(window)
        return record

    def _report(self, record: WindowRecord) -> None:
        """Tell the engine of gaps, neighbours with the same reason together."""
        where = f"see missing/{self._errand.stage}"
        together: dict[str, list[int]] = {}
        for frame, why in gaps_of(record, self._passes).items():
            together.setdefault(why, []).append(frame)
        for why, frames in together.items():
            for part in FrameSet.of(frames).ranges:
                self._job.failed(part, f"{why}; {where}")

    def _frame(
        self, frame: int, delivery: Delivery, rules: Rules, threads: ThreadPoolExecutor
    ) -> dict[str, Taken]:
        results: dict[str, Taken] = {}
        todo: dict[str, Source] = {}
        for name in self._passes:
            source = delivery.sources[name].get(frame)
            if self._is_kept(name, frame, source):
                results[name] = self._before[name][frame]
            elif source is None:
                if name in delivery.unusable:
                    film, why = delivery.unusable[name]
                    results[name] = Taken(file=film.file, fault=why)
            elif source.is_growing:
                results[name] = Taken(file=source.file, picture=source.picture, fault=GROWING)
            else:
                todo[name] = source
        written: dict[str, Outcome] = {}
        if "alpha" in todo:
            written["alpha"] = self._converted("alpha", frame, todo["alpha"], None, rules)
        alpha = self._alpha(frame, written.get("alpha"), results)
        others = [name for name in todo if name != "alpha"]
        done = threads.map(
            lambda name: self._converted(name, frame, todo[name], alpha, rules), others
        )
        written.update(zip(others, done, strict=True))
        self._write(frame, todo, written, results, threads)
        return results

    def _alpha(
        self, frame: int, fresh: Outcome | None, kept: Mapping[str, Taken]
    ) -> np.ndarray | None:
        """Matte of a frame, for telling what is outside; None where there is none."""
        if fresh is not None:
            return None if isinstance(fresh, str) else fresh[0][..., 0]
        if "alpha" in kept and not kept["alpha"].fault:
            return read_pass("alpha", self._there["alpha"][frame_name(frame)])[..., 0]
        return None

    def _converted(
        self, name: str, frame: int, source: Source, alpha: np.ndarray | None, rules: Rules
    ) -> Outcome:
        """Return the pass's numbers and the file's attributes, or why there are none."""
        said = self._passes[name]
        size = (self._job.video.width, self._job.video.height)
        try:
            picture = self._reader.picture(source)
            values = values_of(name, picture, said, size)
            is_float = not picture.is_whole_numbers
            return converted(
                Frame(name=name, number=frame, values=values, is_float=is_float, alpha=alpha), rules
            )
        except InputError as error:
            return str(error).replace(str(source.full), "the file")

    def _write(
        self,
        frame: int,
        todo: Mapping[str, Source],
        written: Mapping[str, Outcome],
        results: dict[str, Taken],
        threads: ThreadPoolExecutor,
    ) -> None:
        places: list[tuple[str, Path, np.ndarray, dict[str, str]]] = []
        for name, outcome in written.items():
            source = todo[name]
            if isinstance(outcome, str):
                results[name] = Taken(file=source.file, picture=source.picture, fault=outcome)
                continue
            file = dataclasses.replace(source.file, sha256=self._reader.sha256(source))
            results[name] = Taken(file=file, picture=source.picture)
            places.append((name, self._job.output(name, frame=frame), *outcome))
        rate = self._job.video.rate
        for _ in threads.map(
            lambda one: write_pass(one[0], one[1], one[2], rate=rate, header=one[3]), places
        ):
            pass

    def _hand_out(self, fresh: Sequence[WindowRecord]) -> None:
        made = FrameSet.of(record.frames for record in fresh)
        others = [r for r in self._records if not FrameSet.of([r.frames]) & made]
        lacking = FrameSet.of(
            frame for record in (*others, *fresh) for frame in gaps_of(record, self._passes)
        )
        hand_out(
            self._errand.folder,
            self._errand.stage,
            lacking,
            video=self._job.video,
            start=self._errand.options.missing_start,
            passes=tuple(self._passes),
        )
