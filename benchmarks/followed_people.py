"""Back end and joining alone, without the rest of a capture: film in, sequences out."""

import tempfile
from pathlib import Path

from choreoscope.capture.assembly import assemble
from choreoscope.capture.association import JoinOptions, JoinResult, join_tracklets
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import PersonSequence
from choreoscope.formats.observations import read_observations, read_rows, write_observations
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader
from choreoscope.pipeline.backends import backend, load


def followed_people(
    film: Path, *, name: str = "blazepose", workers: int = 2
) -> tuple[list[PersonSequence], JoinResult]:
    """Run a people back end on a whole film and join what it saw."""
    video = probe(film)
    frames = FrameRange(0, video.frame_count)
    model = load(backend("people", name), RunSettings(workers=workers), {})
    with tempfile.TemporaryDirectory() as folder, FilmReader(video) as reader:
        window = Path(folder) / "window.npz"
        write_observations(window, list(model.follow(reader.frames(frames), None)))
        joined = join_tracklets(read_rows([window]), video.times(frames), frames, JoinOptions())
        people = assemble(joined.persons, [read_observations(window)])
    return [person.sequence for person in people.values()], joined
