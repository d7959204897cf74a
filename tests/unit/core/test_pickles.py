"""Pickled NumPy data is read whoever wrote it; a pickle that asks for more runs nothing."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from liftline.errors import InvalidInputError, UnsafePickleError
from liftline.files import pickles
from liftline.files.pickles import child

DATA = {
    "clip.mp4": {"custom": [np.arange(12, dtype=np.float32).reshape(2, 3, 2)]},
    "numbers": (1, -(1 << 63), 2.5, float("-inf"), True, None, "é", "\ud800", b"raw"),
    7: {b"key": None, None: [], 1.5: (), False: ""},
    "scalar": np.float64(3.5),
    "objects": np.array([{"a": 1}, None], object),
    "text": np.array(["a", "bc"]),
    "ordered": OrderedDict(b=1),
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and all(map(same, one.tolist(), other.tolist()))
    return bool(one == other) and type(one) is type(other)


class Reduces:
    """Pickles as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_comes_back_from_every_protocol(protocol: int) -> None:
    loaded = pickles.loads(pickle.dumps(DATA, protocol), name="x")
    assert same({**DATA, "ordered": {"b": 1}}, loaded)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_names_of_numpy_1_are_understood(protocol: int) -> None:
    new = pickle.dumps(np.arange(6).reshape(2, 3), protocol)
    old = new.replace(b"\x8c\x16numpy._core", b"\x8c\x15numpy.core").replace(b"numpy._core", b"numpy.core")
    old = old.replace(b"\x8c\x13numpy.core.numeric", b"\x8c\x12numpy.core.numeric")
    if protocol >= 4:
        old = old.replace(b"\x95" + new[3:11], b"\x95" + struct.pack("<Q", len(old) - 11))
    np.testing.assert_array_equal(pickles.loads(old, name="x"), np.arange(6).reshape(2, 3))


def test_a_pickle_of_python_2_is_understood() -> None:
    written = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01K\x02\x85cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x08\x00\x00\x80?\x00\x00\x00@tb."
    )
    np.testing.assert_array_equal(pickles.loads(written, name="x"), np.array([1, 2], np.float32))


@settings(max_examples=50, deadline=None)
@given(
    npst.arrays(
        st.sampled_from(["<f4", "<f8", ">f4", "<i8", "?", "<U3", "S2", "<c8"]),
        npst.array_shapes(min_dims=0, min_side=0),
    ),
    st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_arrays_of_every_plain_type_come_back(array: np.ndarray, protocol: int) -> None:
    loaded = pickles.loads(pickle.dumps(array, protocol), name="x")
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert loaded.tobytes() == array.tobytes()


def test_an_npz_with_pickled_and_plain_arrays_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, positions=np.array(DATA, object), plain=np.eye(3), frames=np.array([[], [1]], object))
    loaded = pickles.load_npz(path)
    assert same(loaded["positions"].item()["clip.mp4"], DATA["clip.mp4"])
    np.testing.assert_array_equal(loaded["plain"], np.eye(3))
    assert loaded["frames"].shape == (2,)


@pytest.mark.parametrize(
    "call",
    [
        (os.system, ("touch hacked",)),
        (eval, ("open('hacked', 'w')",)),
        (np.load, ("x",)),
        (np.ndarray, ((2, 2),)),
        (pickle.loads, (b"N.",)),
        (Path, ("x",)),
        (bytearray, (1 << 40,)),
    ],
    ids=lambda call: f"{call[0].__module__}.{call[0].__name__}",
)
def test_other_calls_are_refused_and_not_made(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafePickleError):
        pickles.loads(pickle.dumps({"a": [Reduces(*call)]}), name="x")
    np.savez(tmp_path / "a.npz", a=np.array([Reduces(*call)], object))
    with pytest.raises(UnsafePickleError):
        pickles.load_npz(tmp_path / "a.npz")
    assert not (tmp_path / "hacked").exists()


MULTIARRAY = b"cnumpy.core.multiarray\n"


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'touch hacked'\ntR.",
        b"(S'touch hacked'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch hacked'\no.",
        b"cnumpy\ndtype\n)\x81.",
        b"Pid\n.",
        MULTIARRAY + b"_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR.",
        MULTIARRAY + b"_reconstruct\n(N}S'__defaults__'\nNstb.",
        MULTIARRAY + b"scalar\n(N}S'data'\nNstb.",
        b"cnumpy\ndtype\n(S'O8'\ntRcnumpy\ndtype\n(S'V8'\ntR\x86.",
        b"cnumpy\ndtype\n.",
        b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
        b"\x80\x02]q\x00h\x00a.",
    ],
)
def test_hostile_programs_are_refused(program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError):
        pickles.loads(program, name="x")
    assert not (tmp_path / "hacked").exists()


def test_structures_nested_without_end_are_refused() -> None:
    with pytest.raises(UnsafePickleError, match="nested"):
        pickles.loads(b"]" * 100 + b"a" * 99 + b".", name="x")


def twice_at_every_level(levels: int) -> list[Any]:
    tree: list[Any] = [1.0]
    for _ in range(levels):
        tree = [tree, tree]
    return tree


def test_shared_parts_stay_shared() -> None:
    loaded = pickles.loads(pickle.dumps(twice_at_every_level(10)), name="x")
    assert loaded[0] is loaded[1]


def test_sharing_that_would_unfold_without_end_is_refused() -> None:
    with pytest.raises(UnsafePickleError, match="unfold to more than"):
        pickles.loads(pickle.dumps(twice_at_every_level(30)), name="x")


@pytest.mark.parametrize("number", [b"r\xff\xff\xff\x7f", b"p100000000\n"])
def test_a_large_memo_number_is_refused(number: bytes) -> None:
    with pytest.raises(UnsafePickleError, match="numbers its parts"):
        pickles.loads(b"N" + number + b".", name="x")


def test_a_program_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MAX_INSTRUCTIONS", 100)
    child.check(io.BytesIO(b"N0" * 49 + b"N."))
    with pytest.raises(child.UnsafeError, match="more than 100 instructions"):
        child.check(io.BytesIO(b"N0" * 50 + b"N."))


def test_a_pickle_that_crashes_its_reader_is_refused_in_words() -> None:
    """Python's hash of a tuple in a tuple in a tuple... overflows its stack."""
    with pytest.raises(UnsafePickleError, match="or crashes its reader; refused"):
        pickles.loads(b"\x80\x02})" + b"\x85" * 250_000 + b"Ns.", name="x")


def test_a_pickle_that_takes_too_long_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liftline.files.pickles.loading._SECONDS", 0.001)
    with pytest.raises(UnsafePickleError, match="too much memory or time"):
        pickles.loads(pickle.dumps([[]] * 2_000_000), name="x")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_the_readers_memory_and_time_are_limited() -> None:
    program = f"""if True:
        import resource, runpy
        runpy.run_path({child.__file__!r})["limit"](1 << 20)
        assert resource.getrlimit(resource.RLIMIT_CPU) == (60, 60)
        try:
            bytearray(1100 << 20)
        except MemoryError:
            print("limited")"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "limited\n"


def test_no_process_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the reading is broken off by something else."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = set(psutil.Process().children())
    monkeypatch.setattr("liftline.files.pickles.loading._built", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pickles.loads(pickle.dumps(list(range(100))), name="x")
    assert set(psutil.Process().children()) <= before


def test_threads_read_at_the_same_time() -> None:
    programs = [pickle.dumps(np.full(100_000, number)) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda program: pickles.loads(program, name="x"), programs))
    assert [int(array[-1]) for array in read] == list(range(8))


def test_arrays_that_are_read_can_be_written_to() -> None:
    loaded = pickles.loads(pickle.dumps([np.zeros(3), np.zeros(3)]), name="x")
    loaded[0][:] = 1
    assert loaded[1].tolist() == [0, 0, 0]


def test_a_file_of_frames_with_nobody_in_them_is_read(tmp_path: Path) -> None:
    """Its pickle takes two bytes for what NumPy keeps a pointer of eight for."""
    nobody = np.empty((500, 2), object)
    nobody[:] = [[[[], []]]] * 500
    np.savez(tmp_path / "a.npz", boxes=nobody, segments=np.array([None] * 500, object))
    loaded = pickles.load_npz(tmp_path / "a.npz")
    assert same(loaded["boxes"], nobody)
    assert loaded["segments"].tolist() == [None] * 500


def test_only_the_entries_asked_for_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", good=np.array([{"a": 1}], object), bad=np.array([Reduces(os.getpid, ())], object))
    assert set(pickles.load_npz(tmp_path / "a.npz", entries={"good", "absent"})) == {"good"}
    assert pickles.npz_names(tmp_path / "a.npz") == {"good", "bad"}


def written(path: Path, **arrays: pickles.ObjectArray) -> Any:
    pickles.save_npz(path, arrays)
    return np.load(path, allow_pickle=True)


def test_what_is_written_is_what_numpy_and_we_read(tmp_path: Path) -> None:
    value = {"a": [1, None, "é"], "b": (np.eye(3, dtype=np.float32)[:, ::-1],), "c": np.zeros((0, 5), np.float32)}
    items = [value, [], None, {}]
    for read in (
        written(tmp_path / "a.npz", one=pickles.ObjectArray((2, 2), iter(items))),
        pickles.load_npz(tmp_path / "a.npz"),
    ):
        assert (read["one"].shape, read["one"].dtype) == ((2, 2), object)
        assert same(read["one"].ravel().tolist(), items)


def test_more_items_than_fit_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 items for an array of shape"):
        pickles.save_npz(tmp_path / "a.npz", {"a": pickles.ObjectArray((2,), iter([1, 2, 3]))})
    assert list(tmp_path.iterdir()) == []


def test_items_are_written_one_after_the_other(tmp_path: Path) -> None:
    """Fourteen megabytes of random numbers pass through; a few rows stay at a time."""
    rng = np.random.default_rng(0)
    rows = (rng.random((1, 4, 17), np.float32) for _ in range(50_000))
    tracemalloc.start()
    pickles.save_npz(tmp_path / "a.npz", {"a": pickles.ObjectArray((50_000,), rows)})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_large_bytes_that_are_used_twice_come_back_twice(protocol: int) -> None:
    large, text = bytes(range(256)) * 64, "é" * 9000
    assert pickles.loads(pickle.dumps([large, large, text, text], protocol), name="x") == [large, large, text, text]


def test_an_array_whose_data_is_too_short_is_refused() -> None:
    whole = pickle.dumps(np.arange(4, dtype=np.int64), 2)
    with pytest.raises(InvalidInputError):
        pickles.loads(whole.replace(b"K\x04\x85", b"K\x7f\x85"), name="x")


@pytest.mark.parametrize("cut", [0, 1, 20, 60, -1])
def test_a_cut_pickle_is_called_damaged(cut: int) -> None:
    with pytest.raises(InvalidInputError, match="damaged"):
        pickles.loads(pickle.dumps(DATA)[:cut], name="x")


def test_files_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1 << 20))
    with pytest.raises(InvalidInputError, match="limit is 1"):
        pickles.load_npz(tmp_path / "a.npz", max_bytes=1 << 20)


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", stream.getvalue())
    with pytest.raises(InvalidInputError):
        pickles.load_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_files_that_are_no_npz_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InvalidInputError, match="not a readable npz"):
        pickles.load_npz(tmp_path / "a.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such file"):
        pickles.load_npz(tmp_path / "a.npz")
