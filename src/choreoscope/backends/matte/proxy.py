"""Proxy mattes: silhouettes of the solved bodies; no weights, no pixels."""

from choreoscope.capture.passes.proxy_spec import proxy_spec

SPEC = proxy_spec("matte", "ProxyMatte")
