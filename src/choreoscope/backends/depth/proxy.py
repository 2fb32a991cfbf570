"""Proxy depth: the solved bodies and the floor, metres along the camera's z; no weights."""

from choreoscope.capture.passes.proxy_spec import proxy_spec

SPEC = proxy_spec("depth", "ProxyDepth")
