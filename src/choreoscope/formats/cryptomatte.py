"""Cryptomatte 1.2.0: who covers how much of each pixel, names in the header.

Friedman and Jones, "Cryptomatte specification", version 1.2.0 (2018). Identities are hashes of
names, stored as the bits of 32-bit floats; so a file is float32 and its compression lossless.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.passes import CRYPTO_LAYERS, crypto_channels
from choreoscope.formats.exr import ExrFile, HeaderValue, open_exr, write_exr
from choreoscope.formats.murmur import murmur3_32

RANKS = 2 * CRYPTO_LAYERS
"""Objects that can share a pixel."""
KEY_DIGITS = 7
HASH = "MurmurHash3_32"
CONVERSION = "uint32_to_float32"
SUFFIXES = (("r", "red"), ("g", "green"), ("b", "blue"), ("a", "alpha"))
"""What programs call the four channels of a layer, in any case."""
_EXPONENT, _LOWEST_EXPONENT_BIT = 255, 1 << 23


def hash_of(name: str) -> int:
    """Identity of a name: MurmurHash3 of its UTF-8 bytes, made safe for a float.

    Returns
    -------
    int
        32 bits without sign. Bits that would be a denormal, infinite or NaN float have bit 23
        flipped, as programs may change such numbers.
    """
    bits = murmur3_32(name.encode("utf-8"))
    if (bits >> 23) & _EXPONENT in (0, _EXPONENT):
        bits ^= _LOWEST_EXPONENT_BIT
    return bits


def id_of(name: str) -> np.float32:
    """Identity of a name as the file holds it: the bits of `hash_of` read as a float."""
    return np.float32(struct.unpack("<f", struct.pack("<I", hash_of(name)))[0])


def key_of(type_name: str) -> str:
    """Key of a Cryptomatte's attributes in the header: seven digits of its name's hash."""
    return f"{hash_of(type_name):08x}"[:KEY_DIGITS]


def crypto_header(type_name: str, names: Iterable[str]) -> dict[str, HeaderValue]:
    """Attributes that make a set of channels a Cryptomatte.

    Raises
    ------
    OutputError
        If two names have the same hash.
    """
    hashes = {name: f"{hash_of(name):08x}" for name in names}
    if len(set(hashes.values())) < len(hashes):
        raise OutputError(f"{type_name}: two of its names have the same hash; rename one")
    start = f"cryptomatte/{key_of(type_name)}/"
    return {
        f"{start}name": type_name,
        f"{start}hash": HASH,
        f"{start}conversion": CONVERSION,
        f"{start}manifest": json.dumps(hashes, separators=(",", ":")),
    }


def crypto_planes(type_name: str, coverage: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rank objects by how much of each pixel they cover.

    Parameters
    ----------
    type_name : str
        Begins the names of the channels.
    coverage : dict of str to (H, W) float, 0 to 1
        Name to soft matte. Where more than six share a pixel, the six largest are kept; equal
        ones rank in the order given.

    Returns
    -------
    dict of str to (H, W) float32
        Channels of three layers of two ranks each, whether they are needed or not: programs
        expect the same layers in every frame.

    Raises
    ------
    ShapeError
        If there is no matte, they differ in size or are not finite.
    """
    size = _size_of(type_name, coverage)
    ranks = np.zeros((RANKS, 2, size[0] * size[1]), np.float32)
    at, who, how_much = _entries(coverage)
    shared = np.bincount(at, minlength=ranks.shape[2])[at] > 1 if len(at) else np.zeros(0, bool)
    alone = ~shared
    ranks[0, 0, at[alone]], ranks[0, 1, at[alone]] = who[alone], how_much[alone]
    at, who, how_much = at[shared], who[shared], how_much[shared]
    order = np.lexsort((-how_much, at))
    at, who, how_much = at[order], who[order], how_much[order]
    first = np.flatnonzero(np.diff(at, prepend=-1))
    rank = np.arange(len(at)) - np.repeat(first, np.diff(first, append=len(at)))
    kept = rank < RANKS
    ranks[rank[kept], 0, at[kept]] = who[kept]
    ranks[rank[kept], 1, at[kept]] = how_much[kept]
    planes = ranks.reshape(2 * RANKS, *size)
    return dict(zip(crypto_channels(type_name), planes, strict=True))


def write_cryptomatte(
    path: Path,
    name: str,
    coverage: Mapping[str, np.ndarray],
    *,
    rate: Fraction,
    header: Mapping[str, HeaderValue] | None = None,
) -> None:
    """Write a Cryptomatte: float32, ZIPS (lossless), manifest in the header.

    Parameters
    ----------
    name : str
        Of the Cryptomatte itself: "CryptoPerson".
    coverage : dict of str to (H, W) float, 0 to 1
        Name to soft matte. Give every name of the shot in every frame, so that all files have
        the same manifest; at least one is needed, of zeros where nobody is there.
    rate : Fraction
        Frames per second, for the header.
    header : dict
        Further attributes.

    Raises
    ------
    ShapeError
        If there is no matte, they differ in size or are not finite.
    OutputError
        If two names have the same hash or the file cannot be written.
    """
    attributes = {
        "framesPerSecond": rate,
        **(header or {}),
        **crypto_header(name, coverage),
    }
    write_exr(path, crypto_planes(name, coverage), attributes)


def read_cryptomatte(path: Path, name: str | None = None) -> dict[str, np.ndarray]:
    """Read how much of each pixel every named object covers.

    Parameters
    ----------
    name : str or None
        Which Cryptomatte of the file; None where it holds only one.

    Returns
    -------
    dict of str to (H, W) float32
        Everything in the manifest (of the header, or of a file beside the picture), in its order,
        also what is not in the picture (such planes are read-only); then what no manifest names,
        by the eight digits of its hash.

    Raises
    ------
    InputError
        If it is no EXR that reads, holds no such Cryptomatte, or is of another conversion.
    """
    return coverage_of(open_exr(path), name)


def cryptomattes_of(file: ExrFile) -> dict[str, dict[str, str]]:
    """Find the Cryptomattes of an open file: name to attributes (name, hash, manifest...)."""
    found: dict[str, dict[str, str]] = {}
    for header in file.headers:
        for key, value in header.items():
            match key.split("/"):
                case ["cryptomatte", number, what]:
                    found.setdefault(number, {})[what] = str(value)
    return {one["name"]: one for one in found.values() if "name" in one}


def names_of(attributes: Mapping[str, str], path: Path) -> tuple[str, ...]:
    """Names in a Cryptomatte's manifest, in its order.

    Raises
    ------
    InputError
        If the manifest cannot be read.
    """
    return tuple(_manifest(path, attributes))


def coverage_of(file: ExrFile, name: str | None = None) -> dict[str, np.ndarray]:
    """Take the coverage out of an open file; see `read_cryptomatte`.

    Raises
    ------
    InputError
        If it holds no such Cryptomatte, or is of another conversion.
    """
    known = cryptomattes_of(file)
    if name is None and len(known) == 1:
        name = next(iter(known))
    if name is None or name not in known:
        wanted = f"'{name}'" if name is not None else "one, or its name"
        raise InputError(f"{file.path}: expected a Cryptomatte {wanted}; it holds {_list(known)}")
    attributes = known[name]
    if attributes.get("conversion", CONVERSION) != CONVERSION:
        raise InputError(f"{file.path}: conversion {attributes['conversion']} is not known")
    planes = _planes_of(file, name)
    names = {text: int(bits, 16) for text, bits in _manifest(file.path, attributes).items()}
    return _gathered(planes, names)


def _size_of(type_name: str, coverage: Mapping[str, np.ndarray]) -> tuple[int, int]:
    sizes = {plane.shape for plane in coverage.values()}
    if len(sizes) != 1 or len(size := sizes.pop()) != 2:  # noqa: PLR2004
        raise ShapeError(f"{type_name}: expected mattes of one size, got {sorted(sizes)}")
    if not all(np.isfinite(plane).all() for plane in coverage.values()):
        raise ShapeError(f"{type_name}: a matte holds numbers that are not finite")
    return size


def _entries(coverage: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every covered pixel of every object: place, identity, coverage."""
    places, ids, shares = [], [], []
    for name, plane in coverage.items():
        flat = np.asarray(plane, dtype=np.float32).ravel()
        at = np.flatnonzero(flat > 0)
        places.append(at)
        ids.append(np.full(len(at), id_of(name)))
        shares.append(np.minimum(flat[at], np.float32(1)))
    return np.concatenate(places), np.concatenate(ids), np.concatenate(shares)


def _planes_of(file: ExrFile, name: str) -> np.ndarray:
    """Ranks of a Cryptomatte, ``(R, 2, H, W)`` float32."""
    by_name = {channel.lower(): plane for channel, plane in file.channels.items()}
    planes: list[np.ndarray] = []
    for layer in range(100):
        found = [_channel(by_name, f"{name}{layer:02d}".lower(), ends) for ends in SUFFIXES]
        four = [plane for plane in found if plane is not None]
        if len(four) < len(SUFFIXES):
            break
        planes += four
    if not planes:
        raise InputError(f"{file.path}: Cryptomatte '{name}' has no layer {name}00")
    if any(plane.dtype != np.float32 for plane in planes):
        raise InputError(
            f"{file.path}: Cryptomatte '{name}' is not stored as 32-bit float; its identities "
            "are lost, write it again"
        )
    return np.stack(planes).reshape(-1, 2, *planes[0].shape)


def _channel(
    by_name: Mapping[str, np.ndarray], layer: str, ends: tuple[str, ...]
) -> np.ndarray | None:
    return next((by_name[f"{layer}.{end}"] for end in ends if f"{layer}.{end}" in by_name), None)


def _manifest(path: Path, attributes: Mapping[str, str]) -> dict[str, str]:
    text = attributes.get("manifest")
    beside = attributes.get("manif_file")
    try:
        if text is None and beside is not None:
            # Only a plain name beside the picture: a header must not lead to other folders.
            file = path.parent / Path(beside.replace("\\", "/")).name
            # Pictures are often sent without it; then identities go by their digits.
            text = file.read_text("utf-8") if file.exists() else None
        parsed: Any = json.loads(text) if text else {}
        return {str(name): f"{int(bits, 16):08x}" for name, bits in parsed.items()}
    except (OSError, ValueError, AttributeError, TypeError) as damage:
        raise InputError(f"{path}: its manifest cannot be read ({damage})") from damage


def _gathered(ranks: np.ndarray, names: Mapping[str, int]) -> dict[str, np.ndarray]:
    size = ranks.shape[2:]
    identities = np.ascontiguousarray(ranks[:, 0]).view(np.uint32).reshape(len(ranks), -1)
    shares = ranks[:, 1].reshape(len(ranks), -1)
    planes: dict[int, np.ndarray] = {}
    for rank_ids, rank_shares in zip(identities, shares, strict=True):
        at = np.flatnonzero((rank_ids != 0) & (rank_shares > 0))
        here, share = rank_ids[at], rank_shares[at]
        for identity in np.unique(here).tolist():
            plane = planes.setdefault(identity, np.zeros(size[0] * size[1], np.float32))
            own = here == identity
            plane[at[own]] += share[own]
    # A manifest may name thousands of objects that are not in the picture: one plane for all.
    nothing = np.broadcast_to(np.float32(0), size)
    found = {
        name: planes.pop(bits).reshape(size) if bits in planes else nothing
        for name, bits in names.items()
    }
    return found | {f"{bits:08x}": plane.reshape(size) for bits, plane in planes.items()}


def _list(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"
