"""What can be said about watching a folder; nothing of it changes a result."""

import shlex

from pydantic import BaseModel, ConfigDict, Field, field_validator

FILM_SUFFIXES = (
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mxf", ".mts", ".m2ts", ".ts"),
    *(".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ogv", ".insv", ".gif"),
)
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


class WatchOptions(BaseModel):
    """How a folder is watched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    still_seconds: float = Field(
        default=10.0,
        ge=0,
        description="A film is ready when its size and its time of change have not moved for this "
        "long, by the watcher's own clock.",
        json_schema_extra={"unit": "seconds"},
    )
    series_still_seconds: float = Field(
        default=60.0,
        ge=0,
        description="The same for a folder of numbered frames, which a renderer fills slowly.",
        json_schema_extra={"unit": "seconds"},
    )
    poll_seconds: float = Field(
        default=2.0,
        gt=0,
        description="Time between two looks at the folder; more where one look takes long.",
        json_schema_extra={"unit": "seconds"},
    )
    include: tuple[str, ...] = Field(
        default=("*",),
        description="Patterns of the films wanted, by name or by path below the folder.",
        json_schema_extra={"expects": "a list of patterns such as *_take*.mov"},
    )
    exclude: tuple[str, ...] = Field(
        default=(),
        description="Patterns of films and folders that are left alone.",
        json_schema_extra={"expects": "a list of patterns such as old/*"},
    )
    suffixes: tuple[str, ...] = Field(
        default=FILM_SUFFIXES, description="Name endings of films; other files are skipped."
    )
    picture_suffixes: tuple[str, ...] = Field(
        default=PICTURE_SUFFIXES, description="Name endings of the frames of a series."
    )
    retry: int = Field(
        default=0,
        ge=0,
        description="How many times a film that failed is tried again by itself, after the others.",
        json_schema_extra={"unit": "times"},
    )
    loss_limit: int = Field(
        default=5,
        ge=0,
        description="How many times a film is taken up again after the process working on it "
        "ended without a word (killed, power cut, crash).",
        json_schema_extra={"unit": "times"},
    )
    films_at_once: int = Field(
        default=1,
        ge=1,
        description="How many films are worked on at the same time, each in a process of its own.",
        json_schema_extra={"unit": "films"},
    )
    free_megabytes: float = Field(
        default=200.0,
        ge=0,
        description="No film is begun while the disk of the results has less room than this.",
        json_schema_extra={"unit": "megabytes"},
    )
    on_finish: str = Field(
        default="",
        description="Command run when a film is finished, also with gaps; no shell is used. It is "
        "told CHOREOSCOPE_FILM, _RESULT, _STATE and _REASON in its environment.",
        json_schema_extra={"expects": "a command line, or nothing"},
    )
    on_failure: str = Field(
        default="",
        description="Command run when a film has failed; as on_finish.",
        json_schema_extra={"expects": "a command line, or nothing"},
    )
    hook_seconds: float = Field(
        default=60.0,
        gt=0,
        description="How long such a command may take before it is ended.",
        json_schema_extra={"unit": "seconds"},
    )

    @field_validator("on_finish", "on_failure")
    @classmethod
    def _splits(cls, line: str) -> str:
        shlex.split(line)
        return line

    @field_validator("suffixes", "picture_suffixes")
    @classmethod
    def _with_dots(cls, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f".{one.lower().lstrip('.')}" for one in suffixes)

    def still_for(self, kind: str) -> float:
        """Seconds that a film or a series has to be still."""
        return self.series_still_seconds if kind == "series" else self.still_seconds
