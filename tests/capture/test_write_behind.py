"""Writing one frame while the next is computed: nothing lost, nothing out of order."""

import threading

import pytest

from choreoscope.capture.passes.write_behind import MOST_WAITING, WriteBehind

PATIENCE = 10.0


@pytest.mark.parametrize("workers", [1, 2])
def test_all_is_done_in_order_when_it_has_settled(workers: int) -> None:
    done: list[int] = []
    with WriteBehind(workers) as behind:
        for number in range(50):
            behind.do(done.append, number)
        behind.settle()
        assert done == list(range(50))
        behind.do(done.append, 50)
        behind.settle()
    assert done == list(range(51))


def test_the_caller_goes_on_meanwhile_but_not_far_ahead() -> None:
    may_write, asked = threading.Event(), []

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
    assert asked == list(range(MOST_WAITING))
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
    begun, may_end, done = threading.Event(), threading.Event(), []

    def write(number: int) -> None:
        begun.set()
        assert may_end.wait(PATIENCE)
        done.append(number)

    def fail() -> None:
        with WriteBehind(2) as behind:
            behind.do(write, 0)
            behind.do(write, 1)
            assert begun.wait(PATIENCE)
            threading.Timer(0.2, may_end.set).start()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert done == [0]
