"""A small film, runs of it as processes, and a result nobody has disturbed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_cases import Runs, command, make_film

from results import content

IN_NAMESPACE = "CHOREOSCOPE_TESTS_IN_NAMESPACE"
DISK_BYTES = 4 << 20


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = make_film(tmp_path_factory.mktemp("film") / "a dance é.mp4")
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before, "a test has changed the film of all"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    if sys.platform == "win32":
        pytest.skip("forks processes whose modules are loaded")
    return Runs(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="session")
def calm(film: Path, runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The undisturbed result."""
    out = tmp_path_factory.mktemp("calm") / "result"
    runs.calm(command(film, out))
    before = content(out)
    yield out
    assert content(out) == before, "a test has changed the result of all"


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of 4 MB. Who is not root gets it in a user namespace, in which the test runs again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = f"size={DISK_BYTES},nr_inodes=2000"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode == 0:
        yield disk
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607
        return
    if IN_NAMESPACE in os.environ or not _namespaces_work():
        pytest.skip(f"needs a small disk, and mounting one is refused: {mounted.stderr.strip()}")
    again = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", sys.executable, "-m", "pytest"),
            *("-q", "-p", "no:cacheprovider", "-m", "", request.node.nodeid),
        ],
        cwd=request.config.rootpath,
        env=os.environ | {IN_NAMESPACE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stdout
    pytest.skip("needs to mount a disk; passed in a user namespace")


def _namespaces_work() -> bool:
    try:
        asked = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "true"],  # noqa: S607
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return asked.returncode == 0
