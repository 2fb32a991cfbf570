"""Hashes of files and folders, taken from their bytes at every call."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Hash of a file's content, hex.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path, files: Iterable[Path]) -> str:
    """Hash of the names and hashes of files in a folder, in whatever order they are given.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    named = sorted((file.relative_to(folder).as_posix(), file) for file in files)
    lines = [f"{sha256_of(file)}  {name}\n" for name, file in named]
    return hashlib.sha256("".join(lines).encode(errors="backslashreplace")).hexdigest()


def content_of(place: Path) -> str:
    """Hash of a file, or of the names and hashes of all files in a folder; "absent" for neither.

    Raises
    ------
    OSError
        If something cannot be read.
    """
    if place.is_file():
        return sha256_of(place)
    if not place.is_dir():
        return "absent"
    return folder_digest(place, (file for file in place.rglob("*") if file.is_file()))
