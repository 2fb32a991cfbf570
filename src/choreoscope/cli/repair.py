"""``choreoscope repair`` and ``choreoscope accept``: mend a result; keep what was done by hand."""

from pathlib import Path
from typing import Annotated

import typer

BROKEN = 4


def repair(
    shot: Annotated[Path, typer.Argument(help="Result folder of a film.")],
    film: Annotated[
        Path | None, typer.Option(help="The film, if it lies elsewhere than when it was captured.")
    ] = None,
    overwrite_changed: Annotated[
        bool,
        typer.Option(
            "--overwrite-changed",
            help="Make files again that open, but are not as they were made; the present ones are "
            "moved to work/set-aside.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON, one object per line.")
    ] = False,
) -> None:
    """Make again what is missing or broken of a result, and nothing else.

    Everything is read again first. Frames that could not be made before are tried once more.
    Broken files are moved to work/set-aside, never deleted; what was edited by hand stays.
    """
    from choreoscope.capture import repair as mending
    from choreoscope.cli.capture import tell_result
    from choreoscope.cli.json_events import teller

    with teller(quiet=quiet, as_json=as_json) as tell:
        done = mending.repair(shot, film=film, overwrite_changed=overwrite_changed, events=tell)
        code = tell_result(done.result, done.film.name, done.configuration, tell)
        for fault in done.left:
            path = f"{fault.unit}/{fault.path}"
            tell.problem(
                f"{path} was changed since it was made (same size, other content): "
                f"'choreoscope accept {shot} {path}' keeps it, "
                f"'choreoscope repair {shot} --overwrite-changed' makes it again",
                BROKEN,
            )
        broken = [fault for fault in done.after.faults if fault.sort == "broken"]
        for fault in broken:
            text = f"still broken: {fault.unit}/{fault.path}: {fault.got}"
            tell.problem(f"{text}; 'choreoscope verify {shot}' says more", BROKEN)
        count = len(done.before.faults)
        tell.line(
            f"{count} fault{'s' * (count != 1)} found, {len(done.aside)} files set aside"
            if count
            else "nothing was missing or broken"
        )
    raise typer.Exit(code or (BROKEN if done.left or broken else 0))


def accept(
    shot: Annotated[Path, typer.Argument(help="Result folder of a film, or of a clip.")],
    files: Annotated[list[Path], typer.Argument(help="Files that were edited by hand.")],
) -> None:
    """Keep files that were edited by hand: they are never overwritten, and others follow them.

    A file of another size than before is kept by itself; this is for those of the same size. The
    next capture or repair makes again what is made from them.
    """
    from choreoscope.capture.repair import accept_edits

    for file, stage in accept_edits(shot, files).items():
        print(f"{file} is kept as edited by hand (stage {stage})")
