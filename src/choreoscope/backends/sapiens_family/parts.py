"""Body parts from either generation."""

from typing import Any

from choreoscope.backends.sapiens_family.names import mirrored
from choreoscope.backends.sapiens_family.network import SapiensCrops, SapiensNetwork, Tensors
from choreoscope.backends.sapiens_family.options import SapiensOptions
from choreoscope.datatypes.errors import WeightsError


class SapiensParts(SapiensCrops):
    """Tells parts apart.

    Parameters
    ----------
    network : SapiensNetwork
        Answers ``scores``.
    options : SapiensOptions
        How.
    part_names : tuple of str
        Classes after the background, in the network's order.
    """

    gives = ("parts",)

    def __init__(
        self, network: SapiensNetwork, options: SapiensOptions, part_names: tuple[str, ...]
    ) -> None:
        self.part_names = part_names
        swapped = mirrored(part_names)
        self._order = [0, *(place + 1 for place in swapped)]
        super().__init__(network, options)
        if options.mirror:
            self._back = self._sides_back

    def _sides_back(self, answer: Tensors) -> Tensors:
        """In a mirrored picture left is right."""
        return {"scores": answer["scores"][:, self._order]}


def scores_of(answer: Any, part_names: tuple[str, ...], name: str) -> Tensors:  # noqa: ANN401
    """Name the scores, once there is one for each class and the background.

    Raises
    ------
    WeightsError
        If not: the weights are others than the names belong to.
    """
    expected = 1 + len(part_names)
    if answer.shape[1] != expected:
        raise WeightsError(
            f"{name}: expected scores of {expected} classes, got {answer.shape[1]}; "
            f"these are weights of another generation or task"
        )
    return {"scores": answer}
