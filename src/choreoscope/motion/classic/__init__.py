"""The recipe `nlf_classic`: filters in time, then a fit; the yardstick of the shot solve."""
