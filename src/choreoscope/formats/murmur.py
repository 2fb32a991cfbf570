"""MurmurHash3 for 32-bit machines (Austin Appleby, public domain): what Cryptomatte names by."""

_WORD = 0xFFFFFFFF
_FIRST, _SECOND = 0xCC9E2D51, 0x1B873593
_FINAL = ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1))
_BYTES = 4


def _turned(bits: int, by: int) -> int:
    return ((bits << by) | (bits >> (32 - by))) & _WORD


def _mixed(block: int) -> int:
    return (_turned((block * _FIRST) & _WORD, 15) * _SECOND) & _WORD


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32 of some bytes, 32 bits without sign."""
    state = seed
    whole = len(data) // _BYTES * _BYTES
    for at in range(0, whole, _BYTES):
        state ^= _mixed(int.from_bytes(data[at : at + _BYTES], "little"))
        state = (_turned(state, 13) * 5 + 0xE6546B64) & _WORD
    if len(data) > whole:
        state ^= _mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    for shift, factor in _FINAL:
        state = ((state ^ (state >> shift)) * factor) & _WORD
    return state
