"""Listening to a film's sound track, no further than needed."""

import numpy as np

from choreoscope.datatypes.video import Video

SILENCE = 10 ** (-70 / 20)
"""Loudest sample that still counts as silence: -70 dB of full scale."""


def is_silent(video: Video) -> bool | None:
    """Whether nothing is to be heard in a film; None where it has no sound track.

    Stops at the first block louder than -70 dBFS; a track that breaks off is judged by what
    can be heard.
    """
    import av

    if video.audio is None:
        return None
    resampler = av.AudioResampler("flt", "mono", video.audio.sample_rate or 48000)
    with av.open(video.path) as container:
        try:
            for block in container.decode(container.streams.audio[0]):
                for part in resampler.resample(block):
                    if np.abs(part.to_ndarray()).max(initial=0.0) > SILENCE:
                        return False
        except av.error.FFmpegError:
            return True
    return True
