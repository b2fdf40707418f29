"""The held clock: whatever waits for time waits for the script, in both languages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from grader.catalogue.unit import Unit
from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.stage.stage import Stage
from grader.verbs.clock import Clock
from grader.verbs.learner import Learner
from grader.verbs.peer import Peer
from tests.conftest import by_slug

SEND_ALL = by_slug("send_all")
#: Far more than a test may take.
HOUR = 3600.0

#: Each waits for an hour in its own way, then sends what has passed, in seconds.
PYTHON = """
import asyncio, datetime, queue, select, selectors, signal, socket, struct, threading, time

def ring(*_):
    raise InterruptedError

def limit(sock, seconds):
    sock.settimeout(seconds)
    try:
        return sock.recv(1)
    except TimeoutError:
        return None
    finally:
        sock.settimeout(None)

def receive(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 3600, 0))
    try:
        sock.recv(1)
    except BlockingIOError:
        pass
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))

def alarm(sock):
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(3600)
    try:
        sock.recv(1)
    except InterruptedError:
        pass
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

def timer(sock):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        sock.recv(1)
    except InterruptedError:
        pass
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

def queued(sock):
    box = queue.Queue()
    threading.Thread(target=lambda: [box.put(number) for number in range(2000)]).start()
    for _ in range(2000):
        box.get(timeout=1)

def reading(sock):
    begun = time.monotonic()
    while not time.monotonic() > begun:
        pass

def poll(sock):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.poll(3600 * 1000)

def epoll(sock):
    with select.epoll() as epoll:
        epoll.register(sock, select.EPOLLIN)
        epoll.poll(3600)

def selector(sock):
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        selector.select(3600)

def join(sock):
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    thread.join(3600)
    over.set()
    thread.join()

WAYS = {
    b"sleep": lambda sock: time.sleep(3600),
    b"select": lambda sock: select.select([sock], [], [], 3600),
    b"poll": poll,
    b"epoll": epoll,
    b"selector": selector,
    b"timeout": lambda sock: limit(sock, 3600),
    b"receive": receive,
    b"alarm": alarm,
    b"event": lambda sock: threading.Event().wait(3600),
    b"join": join,
    b"timer": timer,
    b"queued": queued,
    b"reading": reading,
    b"asyncio": lambda sock: asyncio.run(asyncio.sleep(3600)),
}

def send_all(sock, data):
    start, day = time.monotonic(), datetime.datetime.now()
    WAYS[data](sock)
    passed = time.monotonic() - start
    assert abs((datetime.datetime.now() - day).total_seconds() - passed) < 1
    sock.sendall(b"%d" % passed)
"""
C = r"""#include "send_all.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
static void ring(int number) { (void)number; }
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int told;
static void *tell(void *nothing)
{
    for (int n = 0; n < 2000; n++) {
        pthread_mutex_lock(&lock);
        told++;
        pthread_mutex_unlock(&lock);
        pthread_cond_signal(&more);
    }
    return nothing;
}
static int is(const void *data, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(data, name, len) == 0;
}
int send_all(int fd, const void *data, size_t len)
{
    struct timespec start, end, hour = { 3600, 0 };
    struct timeval limit = { 3600, 0 }, none = { 0, 0 };
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char text[32];
    time_t day = time(NULL);

    clock_gettime(CLOCK_MONOTONIC, &start);
    if (is(data, len, "sleep"))
        sleep(3600);
    else if (is(data, len, "nanosleep"))
        nanosleep(&hour, NULL);
    else if (is(data, len, "select")) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        select(fd + 1, &set, NULL, NULL, &limit);
        if (limit.tv_sec || FD_ISSET(fd, &set))
            return -1;
    } else if (is(data, len, "poll")) {
        poll(&p, 1, 3600 * 1000);
    } else if (is(data, len, "ppoll")) {
        ppoll(&p, 1, &hour, NULL);
    } else if (is(data, len, "epoll")) {
        int epoll = epoll_create1(0);
        struct epoll_event event = { .events = EPOLLIN };
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        epoll_wait(epoll, &event, 1, 3600 * 1000);
        close(epoll);
    } else if (is(data, len, "receive")) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (recv(fd, text, 1, 0) != -1 || errno != EAGAIN)
            return -1;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    } else if (is(data, len, "alarm")) {
        struct sigaction action = { .sa_handler = ring }, old;
        sigaction(SIGALRM, &action, &old);
        alarm(3600);
        if (recv(fd, text, 1, 0) != -1 || errno != EINTR)
            return -1;
        sigaction(SIGALRM, &old, NULL);
    } else if (is(data, len, "timerfd")) {
        struct itimerspec timer = { { 0, 0 }, hour };
        p.fd = timerfd_create(CLOCK_MONOTONIC, 0);
        timerfd_settime(p.fd, 0, &timer, NULL);
        poll(&p, 1, -1);
        close(p.fd);
    } else if (is(data, len, "timer")) {
        struct itimerspec timer = { { 0, 0 }, { 0, 200000000 } };
        p.fd = timerfd_create(CLOCK_MONOTONIC, 0);
        timerfd_settime(p.fd, 0, &timer, NULL);
        poll(&p, 1, -1);
        close(p.fd);
    } else if (is(data, len, "condition")) {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 3600;
        pthread_mutex_lock(&mutex);
        until.tv_nsec += 1000000000;
        if (pthread_cond_timedwait(&condition, &mutex, &until) != EINVAL)
            return -1;
        until.tv_nsec -= 1000000000;
        if (pthread_cond_timedwait(&condition, &mutex, &until) != ETIMEDOUT)
            return -1;
        pthread_mutex_unlock(&mutex);
    } else if (is(data, len, "c11")) {
        mtx_t mutex;
        cnd_t condition;
        struct timespec until;
        timespec_get(&until, TIME_UTC);
        until.tv_sec += 3600;
        mtx_init(&mutex, mtx_plain);
        cnd_init(&condition);
        mtx_lock(&mutex);
        if (cnd_timedwait(&condition, &mutex, &until) != thrd_timedout)
            return -1;
        mtx_unlock(&mutex);
    } else if (is(data, len, "semaphore")) {
        sem_t semaphore;
        struct timespec until = start;
        until.tv_sec += 3600;
        sem_init(&semaphore, 0, 0);
        if (sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until) != -1 || errno != ETIMEDOUT)
            return -1;
    } else if (is(data, len, "queued")) {
        pthread_t teller;
        pthread_create(&teller, NULL, tell, NULL);
        for (int n = 1; n <= 2000; n++) {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += 1;
            pthread_mutex_lock(&lock);
            while (told < n)
                if (pthread_cond_clockwait(&more, &lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
                    return -1;
            pthread_mutex_unlock(&lock);
        }
        pthread_join(teller, NULL);
    } else if (is(data, len, "reading")) {
        do
            clock_gettime(CLOCK_MONOTONIC, &end);
        while (end.tv_sec == start.tv_sec && end.tv_nsec == start.tv_nsec);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (time(NULL) - day < end.tv_sec - start.tv_sec - 1)
        return -1;
    snprintf(text, sizeof text, "%ld", (long)(end.tv_sec - start.tv_sec));
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == -1 ? -1 : 0;
}
"""
WAYS = {
    "python": "sleep select poll epoll selector timeout receive alarm event join asyncio".split(),
    "c": "sleep nanosleep select poll ppoll epoll receive alarm timerfd condition c11 semaphore".split(),
}
CASES = [(language, way) for language, ways in WAYS.items() for way in ways]


@pytest.fixture(scope="module")
def scene_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Scene]]:
    folder = tmp_path_factory.mktemp("program")
    (folder / "send_all.py").write_text(PYTHON)
    (folder / "send_all.c").write_text("#define _GNU_SOURCE\n" + C)
    units = {language: Unit(SEND_ALL, language, folder / SEND_ALL.file_name(language)) for language in WAYS}
    stage = Stage(list(units.values()))
    yield lambda language: Scene(stage, units[language])
    stage.close()


@pytest.fixture
def scene(scene_of: Callable[[str], Scene], language: str) -> Iterator[Scene]:
    scene = scene_of(language)
    yield scene
    scene.close()


@pytest.mark.parametrize(("language", "way"), CASES)
def test_an_hour_passes_at_once(scene: Scene, way: str) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)
    begun = time.monotonic()

    learner.runs("send_all", peer.connection, way.encode())
    clock.passes(HOUR - 1)
    clock.runs_out(2)

    learner.returns(None)
    peer.receives(b"3600")
    assert time.monotonic() - begun < HOUR / 100


@pytest.mark.parametrize("language", WAYS)
def test_a_clock_that_is_read_goes_on(scene: Scene) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)

    learner.runs("send_all", peer.connection, b"reading")
    clock.runs_out(1)

    learner.returns(None)


@pytest.mark.parametrize("language", WAYS)
def test_a_timer_wakes_who_waits_without_a_limit(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)

    learner.runs("send_all", peer.connection, b"timer")
    peer.receives(b"0", b"1")  # seconds of a clock that goes on

    learner.returns(None)


@pytest.mark.parametrize(("language", "way"), CASES)
def test_a_wait_that_is_too_short_is_told(scene: Scene, way: str) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)
    learner.runs("send_all", peer.connection, way.encode())

    with pytest.raises(Broken) as broken:
        clock.passes(HOUR + 1)

    assert broken.value.failure.kind == "early"


@pytest.mark.parametrize(("language", "way"), [("python", "timeout"), ("c", "poll")])
def test_a_wait_that_is_too_long_is_told(scene: Scene, way: str) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)
    learner.runs("send_all", peer.connection, way.encode())

    with pytest.raises(Broken) as broken:
        clock.runs_out(HOUR - 10)

    assert broken.value.failure.kind == "late"
    assert "for another 10 s" in broken.value.failure.sentence


@pytest.mark.parametrize(("language", "way"), [("python", "poll"), ("c", "poll"), ("c", "epoll"), ("python", "epoll")])
def test_what_arrives_ends_a_wait_on_a_clock_that_stands(scene: Scene, way: str) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)
    learner.runs("send_all", peer.connection, way.encode())
    clock.passes(10)

    peer.sends(b"!")

    peer.receives(b"10")
    learner.returns(None)


@pytest.mark.parametrize("language", ["python", "c"])
def test_no_notification_is_lost_between_two_looks(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Clock(scene)

    learner.runs("send_all", peer.connection, b"queued")

    peer.receives(b"0")
    learner.returns(None)


@pytest.mark.parametrize(("language", "way"), [("python", "sleep"), ("c", "sleep")])
def test_the_end_of_a_wait_is_judged_from_both_sides(scene: Scene, way: str) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)

    learner.runs("send_all", peer.connection, way.encode())

    clock.is_up_after(HOUR)
    learner.returns(None)


@pytest.mark.parametrize(("seconds", "kind"), [(HOUR - 1, "late"), (HOUR + 1, "early")])
@pytest.mark.parametrize("language", ["python"])
def test_an_end_at_another_time_is_told(scene: Scene, seconds: float, kind: str) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)

    learner.runs("send_all", peer.connection, b"sleep")

    with pytest.raises(Broken) as broken:
        clock.is_up_after(seconds)
    assert broken.value.failure.kind == kind


@pytest.mark.parametrize("language", ["c"])
def test_a_signal_ends_a_wait(scene: Scene) -> None:
    learner, peer, clock = Learner(scene), Peer(scene), Clock(scene)
    learner.runs("send_all", peer.connection, b"poll")
    clock.passes(7)

    learner.is_interrupted()

    learner.returns(None)
    peer.receives(b"7")


@pytest.mark.parametrize("language", ["python", "c"])
def test_time_that_the_script_leaves_alone_passes_where_nothing_else_can(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Clock(scene)

    learner.runs("send_all", peer.connection, b"sleep")

    learner.returns(None)
    peer.receives(b"3600")
