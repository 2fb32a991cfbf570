"""Made-up runs, told to whoever is under test."""

from choreoscope.pipeline.events import (
    ClipFinished,
    ClipStarted,
    Event,
    Events,
    FilmFinished,
    FilmStarted,
    Progress,
    Retried,
    StageFailed,
    StageFinished,
    StageSkipped,
    StageStarted,
    WorkerLost,
)

STAGES = ("lens", "people", "lift", "bvh")
FILM = "dance é 舞.mp4"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def film_started(clips: int = 2, frames: int = 200, film: str = FILM) -> FilmStarted:
    names = tuple(f"clip-{number:03d}" for number in range(1, clips + 1))
    return FilmStarted(film=film, clips=names, stages=STAGES, frames=frames)


def clip_started(clip: str = "clip-001", frames: int = 100, film: str = FILM) -> ClipStarted:
    return ClipStarted(film=film, clip=clip, stages=STAGES, frames=frames)


def started(stage: str, clip: str = "clip-001", film: str = FILM) -> StageStarted:
    return StageStarted(film=film, clip=clip, stage=stage, missing=100, why="no result yet")


def progress(
    stage: str, done: int, total: int = 100, clip: str = "clip-001", film: str = FILM
) -> Progress:
    return Progress(film=film, clip=clip, stage=stage, done=done, total=total, unit="frame")


def finished(
    stage: str, seconds: float = 2.0, clip: str = "clip-001", film: str = FILM, failed: int = 0
) -> StageFinished:
    return StageFinished(
        film=film,
        clip=clip,
        stage=stage,
        seconds=seconds,
        frames=100 - failed,
        failed=failed,
        files=3,
    )


def clip_with_trouble(clip: str = "clip-001") -> list[Event]:
    """Everything that may happen to a clip."""
    at = {"film": FILM, "clip": clip}
    return [
        clip_started(clip),
        StageSkipped(**at, stage="lens", why=""),
        started("people", clip),
        progress("people", 50, clip=clip),
        WorkerLost(**at, stage="people", why="killed by the system", attempt=1, frames="50:60"),
        Retried(**at, stage="people", attempt=2, batch=4, frames="50:60"),
        finished("people", clip=clip, failed=3),
        started("lift", clip),
        StageFailed(**at, stage="lift", cause="no floor", trace="Traceback"),
        StageSkipped(**at, stage="bvh", why="it reads from stage 'lift'", blocked=True),
        ClipFinished(**at, seconds=65.0, complete=False, failed_stages=("lift", "bvh")),
    ]


def tell_film(tell: Events) -> None:
    """Tell of two clips, one of which fails."""
    tell(film_started())
    for clip in ("clip-001", "clip-002"):
        for event in clip_with_trouble(clip):
            tell(event)
    names = ("clip-001", "clip-002")
    tell(FilmFinished(film=FILM, seconds=130.0, clips=names, incomplete=names))
