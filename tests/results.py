"""Comparing result folders byte by byte, timings left out."""

import json
import re
from pathlib import Path

TIMINGS = ("seconds", "cpu_seconds", "model_cpu_seconds")
TIMINGS_ELEMENT = re.compile(
    rb'<script type="application/json" id="timings">.*?</script>', re.DOTALL
)

RUN_SECTION = re.compile(rb"^run:\n(?:  .*\n)*", re.MULTILINE)


def content(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by its place; what may differ between two equal runs is taken out."""
    return {
        path.relative_to(folder).as_posix(): _lasting(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "log.txt" and "set-aside" not in path.parts
    }


def _lasting(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name == "report.html":
        lasting, found = TIMINGS_ELEMENT.subn(b"", data)
        assert found == 1, "the page has one element with timings"
        return lasting
    if path.parent.name == "manifests":
        record = json.loads(data)
        for key in TIMINGS:
            record.pop(key)
        if record["stage"] == "report":
            record.pop("files")
        return json.dumps(record, sort_keys=True).encode()
    if path.name == "film.json":
        # The same film may lie elsewhere.
        record = json.loads(data)
        record.pop("path")
        return json.dumps(record, sort_keys=True).encode()
    if path.name == "choreoscope.yaml":
        lasting, found = RUN_SECTION.subn(b"", data)
        assert found == 1, "the configuration has one section of settings that change no result"
        return lasting
    return data
