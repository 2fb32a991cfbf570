"""How far a result is from the truth: poses, world, feet, people, tracks, cameras, masks, depth.

Every formula, with its source, stands in ``docs/metrics.md``. Positions go in as metres and come
out as millimetres where a name says ``_mm``. NaN means "no truth" or "no result": such values are
left out before anything is averaged, and never turn into a zero.
"""
