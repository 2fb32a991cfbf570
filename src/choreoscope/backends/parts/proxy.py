"""Proxy body parts: of the solved bodies, named classes; no weights, no pixels."""

from choreoscope.capture.passes.proxy_spec import proxy_spec

SPEC = proxy_spec("parts", "ProxyParts")
