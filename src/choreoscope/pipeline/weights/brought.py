"""Weights the user brings: a file, or a folder as a model hub keeps it, pinned by its hash.

For models whose files cannot be fetched without the user's own agreement to their terms. Nothing
is opened before the hash is right: the first call without one tells what it is.
"""

from pathlib import Path

from choreoscope.datatypes.errors import WeightsError
from choreoscope.pipeline.digests import folder_digest, sha256_of

WANTED = (".json", ".safetensors", ".txt", ".model")
"""Files of a hub folder that are read; pickled weights and code are not, whatever lies there."""


def brought(path: str, sha256: str, *, model: str, source: str) -> Path:
    """Return the place of weights once they are what they should be.

    Parameters
    ----------
    path : str
        File or folder; may begin with ``~``.
    sha256 : str
        What `digest_of` gives for it.
    model : str
        Name of the back end, for errors.
    source : str
        Where the user gets the weights, for errors.

    Raises
    ------
    WeightsError
        If no place is named, nothing is there, or its hash is another; the text says what to do.
    """
    if not path:
        raise WeightsError(
            f"{model}: no weights named; get {source}, then set its option 'weights' to the place"
        )
    place = Path(path).expanduser()
    if not place.exists():
        raise WeightsError(f"{model}: no weights at {place}; get {source}")
    got = digest_of(place)
    if not sha256:
        raise WeightsError(
            f"{model}: {place} has sha256 {got}; if it comes from a source you trust, "
            f"set its option 'sha256' to that"
        )
    if got != sha256.lower():
        raise WeightsError(
            f"{model}: expected {place} to have sha256 {sha256}, got {got}; fetch it again"
        )
    return place


def digest_of(place: Path) -> str:
    """Hash of a file, or of the names and hashes of the files in a folder that are read.

    Raises
    ------
    WeightsError
        If a folder holds none of them, or a file cannot be read.
    """
    try:
        if place.is_file():
            return sha256_of(place)
        files = [file for file in place.rglob("*") if file.suffix in WANTED and file.is_file()]
        digest = folder_digest(place, files)
    except OSError as error:
        raise WeightsError(f"{place} cannot be read ({error.strerror or error})") from error
    if not any(file.suffix == ".safetensors" for file in files):
        raise WeightsError(
            f"{place}: expected a folder with *.safetensors files, found {len(files)} others"
        )
    return digest
