"""Proxy normals: of the solved bodies and the floor, camera axes; no weights, no pixels."""

from choreoscope.capture.passes.proxy_spec import proxy_spec

SPEC = proxy_spec("normals", "ProxyNormals", version=2)
