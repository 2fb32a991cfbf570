"""What the runtime prints from C++ is held back; what matters is passed on."""

import os

import pytest

from choreoscope.backends.people.blaze.native_log import without_information


def test_information_is_hidden_and_warnings_are_passed_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with without_information():
        os.write(2, b"INFO: a delegate was created\nWARNING: something is odd\n")
    os.write(2, b"INFO: afterwards\n")
    assert capfd.readouterr().err == "WARNING: something is odd\nINFO: afterwards\n"


def test_an_error_inside_gives_the_stream_back(capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        with without_information():
            os.write(2, b"ERROR: before\n")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        broken()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "ERROR: before\nafter\n"
