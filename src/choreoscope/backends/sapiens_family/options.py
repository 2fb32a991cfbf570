"""Options and licences of the Sapiens back ends."""

import dataclasses

from choreoscope.backends.torch_models.weights import Brought
from choreoscope.datatypes.models import Licence, Tier

SAPIENS2 = Licence(
    name="Sapiens2 Licence",
    tier=Tier.ASK,
    notice=(
        "Meta's own terms: no surveillance, biometric processing or deepfakes, and Meta may audit; "
        "ask before a commercial release"
    ),
    url="https://github.com/facebookresearch/sapiens2/blob/main/LICENSE.md",
)
SAPIENS1 = Licence(
    name="CC-BY-NC-4.0",
    tier=Tier.RESEARCH,
    notice="Sapiens (first generation) by Meta: non-commercial",
    url="https://huggingface.co/facebook/sapiens",
)
MODULES = ("torch", "transformers", "safetensors", "cv2")
SCRIPT_MODULES = ("torch", "cv2")
SCRIPT_SIZE = (1024, 768)
"""Height and width the first generation's TorchScript files are made for; others fail."""
NAMES = "facebook/{}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SapiensOptions(Brought):
    """How a network of the Sapiens family is used.

    Attributes
    ----------
    mirror : bool
        Whether each crop is looked at mirrored too and the two answers are averaged; twice the
        time.
    whole_frame : bool
        Whether the whole frame is looked at where nobody was tracked in the shot; the network was
        made for crops round people.
    """

    mirror: bool = False
    whole_frame: bool = False
