"""What models round one network have in common."""

from typing import Generic, Protocol, TypeVar

from choreoscope.backends.torch_models.device import Stopwatch
from choreoscope.capture.passes.interfaces import ShotContext


class Timed(Protocol):
    """A network that counts the processor time it takes."""

    @property
    def watch(self) -> Stopwatch:
        """Processor time of its calls."""
        ...


Network = TypeVar("Network", bound=Timed)


class TimedModel(Generic[Network]):
    """Base of models round one network, to which all shots are alike; see `PassModel`.

    Attributes
    ----------
    network : Network
        Set by the classes derived from this.
    """

    network: Network

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        return self.network.watch.seconds
