"""Sources with an address of their own: any HTTPS server, and a model hub at one revision."""

import os
import urllib.parse
from pathlib import Path

from choreoscope.datatypes.models import HttpsAddress, HubRevision, ModelRef
from choreoscope.pipeline.weights.download import Report, download_checked
from choreoscope.pipeline.weights.events import SourceFailedError

PUBLIC_HUB = "https://huggingface.co"


def take_https(source: HttpsAddress, ref: ModelRef, part: Path, report: Report) -> None:
    """Fetch from an address; errors as in `download_checked`."""
    download_checked(source.url, part, sha256=ref.sha256, size=ref.size, report=report)


def take_hub(source: HubRevision, ref: ModelRef, part: Path, report: Report) -> None:
    """Fetch from the hub named by ``$HF_ENDPOINT``, or the public one.

    A gated file is asked for with the user's own token from ``$HF_TOKEN``.

    Raises
    ------
    SourceFailedError
        If the hub does not give the file; for a gated one the text says how to get access.
    """
    hub = (os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
    token = os.environ.get("HF_TOKEN", "") if ref.gated else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = "/".join(
        urllib.parse.quote(piece)
        for piece in (source.repository, "resolve", source.revision, source.filename)
    )
    try:
        download_checked(
            f"{hub}/{path}",
            part,
            sha256=ref.sha256,
            size=ref.size,
            report=report,
            headers=headers,
        )
    except SourceFailedError as error:
        if not ref.gated:
            raise
        raise SourceFailedError(
            f"{error} (gated: agree to its terms at {hub}/{source.repository}, then set HF_TOKEN)"
        ) from error
