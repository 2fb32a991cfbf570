"""Proxy motion vectors: of the solved bodies, the floor and the camera; no weights, no pixels."""

from choreoscope.capture.passes.proxy_spec import proxy_spec

SPEC = proxy_spec("flow", "ProxyFlow")
