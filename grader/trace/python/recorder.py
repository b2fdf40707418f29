"""Writes the trace of a learner's Python program: the twin of ``trace.c``.

Runs in the learner's process.  Every call is entered and left exactly as in C;
`layout` has the format.  Nothing here opens a descriptor.
"""

from __future__ import annotations

import errno as errnos
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator

from grader.trace import layout
from grader.trace.calls import GROUPS, NUMBER, TABLE
from grader.trace.python import states
from grader.trace.python.call import Call, Fault
from grader.trace.python.snapshot import Snapshots

_real_write = os.write
_monotonic_ns, _sleep = time.monotonic_ns, time.sleep
_pack_record = layout.RECORD.pack_into
_pack_state = _pack_length = struct.Struct("<I").pack_into
_pack_lengths = struct.Struct("<HH").pack_into
#: Where a record holds the length of its payload, and those of address and control.
_LENGTH_AT, _LENGTHS_AT = layout.RECORD.size - 16, layout.RECORD.size - 4
_PAYLOAD, _ADDRESS, _CONTROL = layout.PAYLOAD_SIZE, layout.ADDRESS_SIZE, layout.CONTROL_SIZE
_ROOM = _PAYLOAD + _ADDRESS + _CONTROL
_WITH_PATHS = {number for number, call in enumerate(TABLE, 1) if "path" in call.keeps}
_ACCEPTS = {NUMBER[name] for name in GROUPS["accept"]}
_READY, _BLOCKING, _LIBRARY = (layout.STATE_BIT[name] for name in ("ready", "blocking", "library"))


#: Header fields that every call looks at, as numbers of words.
_ARMED, _CLOCK_HELD, _WAITING, _NEXT, _READ = (
    layout.FIELDS[name][0] // size
    for name, size in (("armed", 4), ("clock_held", 4), ("waiting", 4), ("next", 8), ("read", 8))
)


class _NoLock:
    """Stands in where the machine has no semaphores shared by processes."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _shared_lock() -> object:
    """A lock that forked children of this process share, without a descriptor."""
    try:
        from _multiprocessing import SemLock

        return SemLock(1, 1, 1, f"/thirteen-bytes-{os.getpid()}", True)
    except (ImportError, OSError):
        return _NoLock()


class Recorder:
    """The writing end of a trace.

    Args:
        memory: the shared mapping, `layout.SIZE` bytes.
        snapshots: of the learner's file; a call is recorded with the innermost
            line of the stack that lies in it.
    """

    def __init__(self, memory: memoryview, snapshots: Snapshots) -> None:
        self._memory = memory
        header = memory[: layout.HEADER_SIZE]
        self._words, self._longs = header.cast("I"), header.cast("Q")
        self.snapshots = snapshots
        self._lock = _shared_lock()
        self._pid = os.getpid()
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._pid = os.getpid()

    # --- header -----------------------------------------------------------

    def field(self, name: str) -> int:
        """Read the header field of that name."""
        fields, place = self._place(name)
        return fields[place]

    def _store(self, name: str, value: int) -> None:
        fields, place = self._place(name)
        fields[place] = value

    def _place(self, name: str) -> tuple[memoryview, int]:
        offset, code = layout.FIELDS[name]
        return (self._longs, offset // 8) if code == "Q" else (self._words, offset // 4)

    def time(self) -> int:
        """CLOCK_MONOTONIC in nanoseconds, the script's while the clock is held."""
        if not self._words[_CLOCK_HELD]:
            return _monotonic_ns()
        return self.field("clock_now") + self.field("clock_drift")

    def note_timer(self, seconds: float, interval: float = 0) -> None:
        """Tell the judge of a timer on the clock that nobody holds."""
        due = (1 << 64) - 1 if interval else _monotonic_ns() + int(seconds * 1e9)
        if seconds:
            self._store("timer_due", max(due, self.field("timer_due")))

    def take(self, name: str) -> bool:
        """Take one off a header field, if it is not 0."""
        if not self.field(name):
            return False
        with self._lock:
            value = self.field(name)
            self._store(name, max(0, value - 1))
        return value > 0

    def add(self, name: str, what: int = 1) -> int:
        """Add to a header field; returns the new value."""
        with self._lock:
            value = self.field(name) + what
            self._store(name, value)
        return value

    def scripted_addresses(self, host: str | None) -> list[str]:
        """The addresses the script has for a name; none if it has not."""
        name, _service, _port, _lacks, *addresses = self._script()
        return addresses[: addresses.index("")] if name == (host or "") else []

    def scripted_port(self, service: str | None) -> str | None:
        """The port of a service that the script knows; any other stays as it is."""
        _name, known, port, *_ = self._script()
        return port if service and service == known else service

    @property
    def lacking_family(self) -> str:
        """The family of which the script's machine has no address but loopback."""
        return self._script()[3]

    def _script(self) -> list[str]:
        area = bytes(self._memory[layout.RESOLVER : layout.RESOLVER + layout.RESOLVER_SIZE])
        return area.decode().split("\0")

    # --- records ----------------------------------------------------------

    def enter(
        self, operation: int, fd: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, *, of_library: bool = False
    ) -> Call:
        """Open a record; the call is counted and looked up in the fault plan.

        Args:
            operation: its number in `calls.TABLE`.
            fd: the descriptor the call works on, or -1.
            a, b, c, d: the arguments, as the table has them.
            of_library: whether a library makes the call for itself.
        """
        longs = self._longs
        if longs[_NEXT] - longs[_READ] >= layout.CAPACITY - layout.SPARE:
            self._await_reader()
        with self._lock:
            index = longs[_NEXT]
            longs[_NEXT] = index + 1
        entry = layout.RECORDS + index % layout.CAPACITY * layout.RECORD_SIZE
        head = (self._pid, threading.get_native_id(), fd)
        call = Call(entry, operation, head, (a, b, c, d))
        if of_library or states.is_of_library(fd):
            call.states = _LIBRARY
        else:
            self._consult_plan(call)
        frame = self.snapshots.innermost(sys._getframe(1))
        call.where, call.entered = frame.f_lineno if frame else 0, self.time()
        _pack_record(
            self._memory, entry, layout.CLAIMED, operation, call.injected, *head, 0, *call.args,
            0, call.where, call.entered, 0, 0, 0, call.states, 0, 0,
        )  # fmt: skip
        if frame is not None:
            self._keep(index, self.snapshots.packed(frame))
        _pack_state(self._memory, entry, layout.ENTERED)
        self._ring_doorbell()
        return call

    def _await_reader(self) -> None:
        """Let the judge read before its unread records are overwritten: how many a busy
        loop has written when it is ended would else be a matter of chance."""
        for _ in range(layout.NAPS):
            if self._longs[_NEXT] - self._longs[_READ] < layout.CAPACITY - layout.SPARE:
                return
            self._ring_doorbell()
            self.add("reader_naps")
            _sleep(layout.NAP_NANOSECONDS / 1e9)

    def keep(self, call: Call) -> None:
        """Let the record tell what the call was given, before it returns."""
        payload, address, control = self._keep_memory(call)
        _pack_length(self._memory, call.entry + _LENGTH_AT, payload)
        _pack_lengths(self._memory, call.entry + _LENGTHS_AT, address, control)

    def _keep_memory(self, call: Call) -> tuple[int, int, int]:
        """Write what a record keeps of memory; returns its lengths."""
        memory, start = self._memory, call.entry + layout.RECORD.size
        payload = call.payload[: _ROOM if call.operation in _WITH_PATHS else _PAYLOAD]
        address, control = call.address[:_ADDRESS], call.control[:_CONTROL]
        memory[start : start + len(payload)] = payload
        if address:
            memory[start + _PAYLOAD : start + _PAYLOAD + len(address)] = address
        if control:
            start += _PAYLOAD + _ADDRESS
            memory[start : start + len(control)] = control
        return len(payload), len(address), len(control)

    def leave(self, call: Call, result: int = 0, error: int = 0) -> None:
        """Complete a record.

        Args:
            result: what the call returned, as C has it: -1 for an exception.
            error: the errno that went with it, or 0.
        """
        if not call.has_become:
            call.injected &= ~layout.BECOMES
        if call.fault is not None and call.fault.kinds & layout.HOLD:
            self._wait_for_release()
        memory, entry = self._memory, call.entry
        payload, address, control = self._keep_memory(call)
        # pack_into() begins with zeros: half a record must not be read as one
        _pack_record(
            memory, entry, layout.CLAIMED, call.operation, call.injected, *call.head, error, *call.args,
            result, call.where, call.entered, self.time(), payload, call.patience, call.states, address, control,
        )  # fmt: skip
        # last and by itself: the judge may be reading
        _pack_state(memory, entry, layout.DONE)
        self._ring_doorbell()

    def waits(self, call: Call, until: int, start: int) -> None:
        """Note that a call waits on the held clock, from start until that moment
        (nanoseconds), and that its first look has found nothing."""
        record = list(layout.RECORD.unpack_from(self._memory, call.entry))
        if record[0] == layout.WAITING and record[14] == until:
            return
        record[14], record[16] = until, -((start - until) // 1_000_000)
        call.patience = record[16]
        layout.RECORD.pack_into(self._memory, call.entry, *record)
        _pack_state(self._memory, call.entry, layout.WAITING)
        self._ring_doorbell()

    def _keep(self, index: int, snapshot: bytes) -> None:
        """Keep what the caller's frame held at a call."""
        if snapshot:
            start = layout.FIRST_SNAPSHOT + index % layout.SNAPSHOTS * layout.SNAPSHOT_SIZE
            layout.SNAPSHOT.pack_into(self._memory, start, index + 1, len(snapshot))
            start += layout.SNAPSHOT.size
            self._memory[start : start + len(snapshot)] = snapshot

    def _consult_plan(self, call: Call) -> None:
        """Let the plan choose what it does to a call.  Where that asks for a call that
        is ready, one that sleeps comes to it when it is (`is_ready`)."""
        fd, (a, b, *_) = call.head[2], call.args
        if not self._words[_ARMED]:
            return
        asked = _READY if call.operation in _ACCEPTS else 0  # the plan may change while it sleeps
        faults = list(self._faults_of(call.operation)) if self.field("fault_count") else []
        for _offset, entry in faults:
            asked |= entry[3]
        if asked or self.field("tells_states"):
            call.states = states.states_of(call.operation, fd, a, b)
        call.is_early = bool(asked & _READY) and call.states & (_READY | _BLOCKING) == _BLOCKING
        if faults:
            call.touch(self._fault(call))

    def is_ready(self, call: Call) -> None:
        """What an early call waited for is there: the plan has its say.

        Raises:
            OSError: the error that the plan injects.
        """
        if call.is_early:
            call.is_early = False
            call.states |= _READY
            if fault := self._fault(call, _READY):
                call.touch(fault)
                call.answer()

    def _faults_of(self, operation: int) -> Iterator[tuple[int, list]]:
        """The plan's faults of a call, each with its place in the memory."""
        word, bit = divmod(operation, 64)
        for i in range(min(self.field("fault_count"), layout.FAULT_LIMIT)):
            offset = layout.FAULTS + i * layout.FAULT.size
            entry = layout.FAULT.unpack_from(self._memory, offset)
            if entry[word] >> bit & 1:
                yield offset, list(entry)

    def _fault(self, call: Call, must: int = 0) -> Fault | None:
        """The first fault of the plan that is meant for a call in its states, and
        asks for those that it must; the call counts for all that are."""
        chosen, option = None, call.option
        with self._lock:
            for offset, entry in self._faults_of(call.operation):
                kinds, asked, retval, limit, first, last, step, error, number, count, hits, only, size, poke = entry[2:]
                if asked & ~call.states or must & ~asked or (only and only != option):
                    continue
                count += 1
                if chosen is None and first <= count <= last and (count - first) % step == 0:
                    hits += 1
                    chosen = Fault(kinds, error, number, retval, limit, poke[:size])
                entry[11:13] = count, hits
                layout.FAULT.pack_into(self._memory, offset, *entry)
        return chosen

    def _ring_doorbell(self) -> None:
        if self._words[_WAITING]:
            try:
                _real_write(self.field("doorbell"), b"\1\0\0\0\0\0\0\0")
            except OSError:
                pass  # closed by the learner: the judge polls

    def _wait_for_release(self) -> None:
        mine = self.add("held")
        self._ring_doorbell()
        while self.field("released") < mine:
            _sleep(0.0001)  # waiting for the judge; no verdict hangs on it


def error_of(exception: BaseException) -> int:
    """The errno that an exception of a socket call stands for."""
    if isinstance(exception, socket.gaierror):
        return 0
    if isinstance(exception, TimeoutError) and exception.errno is None:
        return errnos.EAGAIN
    return exception.errno or 0 if isinstance(exception, OSError) else 0
