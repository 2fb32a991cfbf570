"""Writing frames while the next are computed: nothing lost, nothing kept that failed."""

import threading

import pytest

from choreoscope.capture.passes.write_behind import MOST_WAITING, WriteBehind

PATIENCE = 10.0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_is_done_once_when_it_has_settled(workers: int) -> None:
    done: list[int] = []
    with WriteBehind(workers) as behind:
        for number in range(50):
            behind.do(done.append, number)
        behind.settle()
        assert sorted(done) == list(range(50))
        behind.do(done.append, 50)
        behind.settle()
    assert sorted(done) == list(range(51))


def test_the_caller_goes_on_meanwhile_but_not_far_ahead() -> None:
    may_write = threading.Event()
    asked: list[int] = []

    def write(number: int) -> None:
        assert may_write.wait(PATIENCE), number

    def work() -> None:
        with WriteBehind(2) as behind:
            for number in range(10):
                behind.do(write, number)
                asked.append(number)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(0.3)
    assert asked == list(range(2 + MOST_WAITING))
    may_write.set()
    worker.join(PATIENCE)
    assert asked == list(range(10))


def test_with_one_worker_the_caller_writes() -> None:
    threads: list[int] = []
    for workers in (1, 2):
        with WriteBehind(workers) as behind:
            behind.do(lambda: threads.append(threading.get_ident()))
    assert [one == threading.get_ident() for one in threads] == [True, False]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_goes_wrong_is_raised_before_anything_is_kept(workers: int) -> None:
    def write(number: int) -> None:
        if number == 1:
            raise OSError(28, "no space left")

    def write_three() -> None:
        with WriteBehind(workers) as behind:
            for number in range(3):
                behind.do(write, number)
            behind.settle()

    with pytest.raises(OSError, match="no space left"):
        write_three()


def test_what_waits_is_given_up_when_the_caller_fails() -> None:
    begun, may_end = threading.Barrier(3), threading.Event()
    done: list[int] = []

    def write(number: int) -> None:
        begun.wait(PATIENCE)
        assert may_end.wait(PATIENCE)
        done.append(number)

    def fail() -> None:
        with WriteBehind(2) as behind:
            for number in range(3):
                behind.do(write, number)
            begun.wait(PATIENCE)
            threading.Timer(0.2, may_end.set).start()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sorted(done) == [0, 1]
