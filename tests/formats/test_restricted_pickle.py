import copyreg
import io
import os
import pickle  # noqa: TID251 -- these tests write the files that the restricted reader is for
import re
import struct
import sys
import time
import tracemalloc
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from choreoscope.datatypes.errors import InputError
from choreoscope.formats import inert_arrays, restricted_pickle
from choreoscope.formats.restricted_pickle import read_restricted, read_restricted_npz


class Ch:
    """Looks like chumpy's array to pickle."""

    def __init__(self, x: object) -> None:
        self.x, self._dirty_vars, self._itr = x, {"x"}, None


class Select:
    """Looks like chumpy's selection to pickle."""

    def __init__(self, a: object, idxs: object, preferred_shape: object) -> None:
        self.a, self.idxs, self.preferred_shape = a, idxs, preferred_shape


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    for name, kind in (("chumpy.ch", Ch), ("chumpy.reordering", Select)):
        module = types.ModuleType(name)
        setattr(module, kind.__name__, kind)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(kind, "__module__", name)


def old_names(content: bytes) -> bytes:
    """Globals as Python 2, numpy 1 and old scipy wrote them (only as opcodes with a line each)."""
    content = content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    return re.sub(rb"cscipy\.sparse\._(c\w\w)\n", rb"cscipy.sparse.\1\n", content)


PLAIN = arrays.arrays(
    dtype=st.sampled_from(["f8", "f4", "i8", "u4", "i2", "?", "c16", ">f8", ">i4", "S3", "U2"]),
    shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


@given(array=PLAIN, protocol=st.integers(0, 5), fortran=st.booleans(), old=st.booleans())
def test_arrays_come_back(array: np.ndarray, protocol: int, fortran: bool, old: bool) -> None:
    array = np.asfortranarray(array) if fortran and array.ndim else array
    content = pickle.dumps({"a": array, "b": [array, (1.5, None, "x", True)]}, protocol)
    read = read_restricted(old_names(content) if old and protocol else content)
    assert isinstance(read, dict)
    assert np.array_equal(read["a"], array, equal_nan=array.dtype.kind in "fc")
    assert read["a"].dtype == array.dtype.newbyteorder("=")
    assert read["a"] is read["b"][0]
    assert read["b"][1] == (1.5, None, "x", True)


@given(
    value=arrays.arrays(dtype=st.sampled_from(["f8", "i4", "u1", "?"]), shape=()),
    protocol=st.integers(0, 5),
)
def test_scalars_come_back(value: np.ndarray, protocol: int) -> None:
    read = read_restricted(pickle.dumps({value[()]: [value[()]]}, protocol))
    assert isinstance(read, dict)
    assert np.array_equal(read[next(iter(read))][0], value[()], equal_nan=value.dtype.kind == "f")
    assert np.array_equal(next(iter(read)), value[()], equal_nan=value.dtype.kind == "f")


def test_what_python_2_wrote() -> None:
    array = (np.arange(6).reshape(2, 3) - 200).astype(">i2")
    body = array.tobytes()
    content = b"".join(
        [
            b"\x80\x02}q\x01U\x01aq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04",
            b"K\x00\x85q\x05U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02K\x03\x86q\x09cnumpy\ndtype\nq\x0a",
            b"U\x02i2q\x0bK\x00K\x01\x87q\x0cRq\x0d(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff",
            b"K\x00tb\x89U" + bytes([len(body)]) + body + b"tbs.",
        ]
    )
    assert np.array_equal(pickle.loads(content, encoding="latin1")["a"], array)  # noqa: S301
    read = read_restricted(content)
    assert isinstance(read, dict)
    assert np.array_equal(read["a"], array)


@pytest.mark.usefixtures("chumpy")
@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_chumpy_becomes_arrays(protocol: int, rng: np.random.Generator) -> None:
    whole = rng.normal(size=(7, 3, 5))
    chosen = (np.arange(2) + 5 * np.arange(21)[:, None]).ravel()
    made = {"all": Ch(Ch(whole)), "some": Select(Ch(whole), chosen, (7, 3, 2))}
    content = pickle.dumps(made, protocol)
    assert b"chumpy" in content
    read = read_restricted(content)
    assert isinstance(read, dict)
    assert np.array_equal(read["all"], whole)
    assert np.array_equal(read["some"], whole[..., :2])


@pytest.mark.parametrize(
    "kind", ["csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array"]
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_sparse_becomes_dense(kind: str, protocol: int) -> None:
    matrix = sparse.random(6, 40, 0.2, rng=np.random.default_rng(1))
    matrix = getattr(sparse, kind)(matrix)
    for content in (pickle.dumps(matrix, protocol), old_names(pickle.dumps(matrix, protocol))):
        assert np.array_equal(np.asarray(read_restricted(content)), matrix.toarray())


def test_sparse_that_old_scipy_wrote() -> None:
    matrix = sparse.coo_matrix(sparse.random(4, 5, 0.5, rng=np.random.default_rng(2)))
    matrix.row, matrix.col = matrix.coords
    state = {name: getattr(matrix, name) for name in ("row", "col", "data", "_shape")}
    content = pickle.dumps(Reduced(object, (), state), 2)
    kind = b"coo_matrix\n"
    name = b"cscipy.sparse." + kind[:3] + b"\n" + kind
    content = content.replace(b"c__builtin__\nobject\n", name)
    assert np.array_equal(np.asarray(read_restricted(content)), matrix.toarray())


class Reduced:
    """Pickles as whatever it is told to."""

    def __init__(self, *how: object) -> None:
        self.how = how

    def __reduce__(self) -> tuple[object, ...]:
        return self.how


def attacks(sentinel: Path) -> dict[str, object]:
    """Objects whose plain loading touches the sentinel."""
    code = f"open({str(sentinel)!r}, 'w').close()"
    command = Reduced(os.system, (f"touch '{sentinel}'",))
    return {
        "system": command,
        "exec": Reduced(exec, (code,)),
        "eval": Reduced(eval, (code,)),
        "mkdir": Reduced(os.mkdir, (str(sentinel),)),
        "chain": None,
        "nested": {"weights": [np.zeros(2), (1, {"deep": command})]},
        "key": {command: 1},
        "objects": np.array([1, command], dtype=object),
        "records": np.array([(1, command)], dtype=[("a", "i4"), ("b", "O")]),
        "state": Reduced(dict, (), None, None, iter([("a", command)])),
    }


ATTACKS = tuple(attacks(Path("sentinel")))


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_run_nothing(name: str, protocol: int, tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    content = pickle.dumps(attacks(sentinel)[name], protocol)
    content = chained_call(f"touch '{sentinel}'") if name == "chain" else content
    with pytest.raises(InputError, match="nothing in it was run") as refusal:
        read_restricted(content)
    assert "\n" not in str(refusal.value)
    assert not sentinel.exists()
    pickle.loads(content)  # noqa: S301
    assert sentinel.exists()


def chained_call(command: str) -> bytes:
    """``getattr(__import__("os"), "system")(command)`` by names of builtins alone."""
    return b"".join(
        [
            b"\x80\x02cbuiltins\ngetattr\ncbuiltins\n__import__\nX\x02\x00\x00\x00os\x85R",
            b"X\x06\x00\x00\x00system\x86RX" + struct.pack("<I", len(command)),
            command.encode() + b"\x85R.",
        ]
    )


def test_the_refused_name_is_told() -> None:
    with pytest.raises(InputError, match=r"asks for '(posix|nt)\.system'.*save its arrays"):
        read_restricted(pickle.dumps(Reduced(os.system, ("true",)), 2))
    with pytest.raises(InputError, match="array of Python objects"):
        read_restricted(pickle.dumps(np.array([None, 1], dtype=object)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x80\x02U\x03abcQ.", "outside itself"),
        (b"Pabc\n.", "outside itself"),
        (b"\x80\x02\x82\x01.", "outside itself"),
        (b"\x80\x05\x97.", "outside itself"),
        (b"\x80\x02cnumpy\nndarray\n.", "bare"),
        (
            b"\x80\x02ccopy_reg\n_reconstructor\ncnumpy\nndarray\nc__builtin__\nobject\nN\x87R.",
            "rebuilds",
        ),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.", "encodes as"),
        # Two things that would change the stand-in's class for everything read afterwards.
        (b"\x80\x02cchumpy.ch\nCh\n}X\x01\x00\x00\x00xK\x01sb.", "not a whole pickle"),
        (
            b"\x80\x02cchumpy.ch\nCh\nN}X\x0c\x00\x00\x00__setstate__K\x01s\x86b.",
            "not a whole pickle",
        ),
        (b"\x80\x02cchumpy.ch\nCh\n)\x81.", "without its 'x'"),
        (b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x81.", "bare"),
    ],
)
def test_odd_programs_are_refused(content: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_restricted(content)
    assert not hasattr(inert_arrays.GLOBALS["chumpy.ch", "Ch"], "x")


def array_claiming(shape: tuple[int, ...], content: bytes) -> bytes:
    """Float array of a shape that its contents may not have."""
    state = (1, shape, np.dtype("f8"), False, content)
    maker = np._core.multiarray._reconstruct
    return pickle.dumps(Reduced(maker, (np.ndarray, (0,), b"b"), state))


@pytest.mark.parametrize(
    "shape", [(1 << 40,), (1 << 20, 1 << 20, 1 << 20), (3,), (-1, -1), (1,) * 9, (1 << 80,)]
)
def test_declared_sizes_are_checked_before_room_is_made(shape: tuple[int, ...]) -> None:
    whole = read_restricted(array_claiming((1,), b"\0" * 8))
    assert np.array_equal(np.asarray(whole), [0.0])
    content = array_claiming(shape, b"\0" * 8)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"need|impossible"):
        read_restricted(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_huge_lengths_and_numbers_make_no_room() -> None:
    for content in (
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 38) + b"abc.",
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 38) + b"abc.",
        b"\x80\x02]r" + struct.pack("<I", 0xFFFFFFF0) + b".",
    ):
        tracemalloc.start()
        with pytest.raises(InputError):
            read_restricted(content)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1 << 20


def test_a_huge_sparse_matrix_is_not_made_dense() -> None:
    matrix = sparse.csc_matrix((1 << 20, 1 << 20))
    with pytest.raises(InputError, match="more than"):
        read_restricted(pickle.dumps(matrix))
    matrix = sparse.csc_matrix((3, 3))
    matrix.indptr = np.array([0, 1 << 40, 0, 0])
    with pytest.raises(InputError, match="do not fit"):
        read_restricted(pickle.dumps(matrix))


def test_bombs_by_recursion() -> None:
    content = b"\x80\x02" + b"(" * 100_000 + b"l" * 100_000 + b"."
    with pytest.raises(InputError, match="deep"):
        read_restricted(content)
    own: list[object] = []
    own.append(own)
    with pytest.raises(InputError, match="itself"):
        read_restricted(pickle.dumps(own))
    laughs: list[object] = []
    for _ in range(60):
        laughs = [laughs, laughs]
    start = time.perf_counter()
    read_restricted(pickle.dumps(laughs))
    with pytest.raises(InputError):
        read_restricted(pickle.dumps(Reduced(np.dtype, (laughs,))))
    rebuilt = pickle.dumps(Reduced(copyreg._reconstructor, (laughs, object, None)), 2)
    with pytest.raises(InputError, match="rebuilds an object of list"):
        read_restricted(rebuilt)
    assert time.perf_counter() - start < 1.0


def test_copies_of_one_text_run_out_of_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restricted_pickle, "LARGEST_CONTENT", 10_000)
    one = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    start = b"\x80\x02X" + struct.pack("<I", 3000) + b"a" * 3000 + b"q\x000"
    few = read_restricted(start + b"(" + 3 * one + b"l.")
    assert few == [b"a" * 3000] * 3
    with pytest.raises(InputError, match="more than"):
        read_restricted(start + b"(" + 4 * one + b"l.")


def test_sizes_of_files_are_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(np.zeros(100)))
    assert np.array_equal(np.asarray(read_restricted(path)), np.zeros(100))
    monkeypatch.setattr(restricted_pickle, "LARGEST_FILE", 500)
    with pytest.raises(InputError, match=r"a\.pkl: it has \d+ bytes"):
        read_restricted(path)
    monkeypatch.setattr(restricted_pickle, "MOST_STEPS", 50)
    with pytest.raises(InputError, match="steps"):
        read_restricted(pickle.dumps(list(range(100))))


def test_truncated_and_foreign_files(tmp_path: Path) -> None:
    content = pickle.dumps({"a": np.arange(30.0), "b": ["x", 3]}, 2)
    assert isinstance(read_restricted(content), dict)
    for length in range(len(content)):
        with pytest.raises(InputError):
            read_restricted(content[:length])
    for path in (tmp_path / "absent.pkl", tmp_path):
        with pytest.raises(InputError, match=path.name):
            read_restricted(path)


@given(junk=st.binary(max_size=60))
def test_garbage_gives_a_value_or_one_clear_line(junk: bytes) -> None:
    try:
        read_restricted(junk)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_one_wrong_byte_gives_a_value_or_one_clear_line(position: int, value: int) -> None:
    matrix = sparse.random(3, 4, 0.5, format="csc", rng=np.random.default_rng(3))
    content = bytearray(pickle.dumps({"a": np.arange(5.0), "m": matrix, "s": np.float64(2)}, 2))
    content[position % len(content)] = value
    try:
        read_restricted(bytes(content))
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_npz_without_its_objects(tmp_path: Path, rng: np.random.Generator) -> None:
    path, sentinel = tmp_path / "a.npz", tmp_path / "sentinel"
    big = np.asfortranarray(rng.normal(size=(4, 3)).astype(">f4"))
    evil = np.array([Reduced(os.system, (f"touch '{sentinel}'",))], dtype=object)
    for save in (np.savez, np.savez_compressed):
        save(path, a=big, n=np.array("neutral"), evil=evil, none=np.zeros((0, 3)))
        read = read_restricted_npz(path)
        assert set(read) == {"a", "n", "none"}
        assert np.array_equal(read["a"], big)
        assert str(read["n"]) == "neutral"
        assert read["none"].shape == (0, 3)
        assert not sentinel.exists()
    with np.load(path, allow_pickle=True) as stored:
        stored["evil"]
    assert sentinel.exists()


def test_npz_bombs_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(100_000))
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="not a whole"):
            read_restricted_npz(path)
    for shape, content in ((1 << 40, b""), (5, b"\0" * 8), (1, b"\0" * 800)):
        member = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            member, {"shape": (shape,), "fortran_order": False, "descr": "<f8"}
        )
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", member.getvalue() + content)
        with pytest.raises(InputError, match="need"):
            read_restricted_npz(path)
    with pytest.raises(InputError, match="absent"):
        read_restricted_npz(tmp_path / "absent.npz")
