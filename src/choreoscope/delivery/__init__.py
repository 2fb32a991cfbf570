"""Results handed to other programs: folders that open there at first try.

Reads artifacts; never runs or imports a stage. Conversions of axes, units and frame numbers
happen here and in `formats`, nowhere else.
"""

from choreoscope.delivery.deliver import deliver
from choreoscope.delivery.options import DeliveryOptions
from choreoscope.delivery.sidecar import Delivered

__all__ = ["Delivered", "DeliveryOptions", "deliver"]
