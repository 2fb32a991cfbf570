"""How long each film has been still, by the watcher's own clock."""

from collections.abc import Iterable

from choreoscope.pipeline.watch.sights import Sight, Stamp


class Stillness:
    """Remembers since when every film has looked the same.

    Only differences of one monotonic clock are used; the times that files carry are compared with
    themselves alone.
    """

    def __init__(self) -> None:
        self._since: dict[str, tuple[Stamp, float]] = {}
        self._began = 0.0

    def observe(self, sights: Iterable[Sight], began: float, ended: float) -> None:
        """Take in one look at the folder.

        Parameters
        ----------
        began, ended : float
            Seconds of the monotonic clock before and after the look. A film was seen somewhere in
            between: a change counts as late, and stillness ends as early, as it may have been.
        """
        before, self._since = self._since, {}
        for sight in sights:
            if sight.stamp is None:
                continue
            known = before.get(sight.film)
            same = known is not None and known[0] == sight.stamp
            self._since[sight.film] = known if known and same else (sight.stamp, ended)
        self._began = began

    def seconds(self, sight: Sight) -> float:
        """Seconds for which a film has been seen to be as it is now; 0 for an unknown one."""
        known = self._since.get(sight.film)
        if known is None or known[0] != sight.stamp:
            return 0.0
        return max(0.0, self._began - known[1])
