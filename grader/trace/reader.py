"""The judge's end of a trace: reads records, writes the fault plan."""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

from grader.trace import decoded, layout
from grader.trace.calls import GROUPS, NUMBER, TABLE
from grader.trace.errors import name_of
from grader.trace.faults import Fault

#: Calls whose result is a descriptor of its own.
_MAKES = ("socket", "accept", "accept4", "dup", "dup2", "epoll_create", "open", "mkstemp")
_DUPLICATES = (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC)
_STATE = struct.Struct("<I")
_PEEK = int(socket.MSG_PEEK)  # arithmetic of Python's flags is slow


@dataclass(slots=True)
class Call:
    """One call of the learner's, as it stands in the trace.

    Attributes:
        index: its place in the total order of all calls.
        name: the call, as the man pages have it.
        fd: the descriptor it works on, or -1.
        args: up to four numbers; `calls.TABLE` says what they are.
        done: whether it has returned.
        result, error: what it returned, and errno if that was -1.
        injected: the fault kinds that touched it (bits of `layout`).
        where: Python: the line; C: an offset in the module.
        entered, left: CLOCK_MONOTONIC, nanoseconds; the script's time while it
            holds the clock.
        payload: the first bytes moved, an option's value, paths, or a name and a
            service.
        sockaddr: the address that it was given, or has told, as the kernel has it.
        control: the control messages (`decoded.control_messages`).
        line: the line in the learner's file, once it has been looked up.
        callers: the lines that the functions around it were called at, the
            innermost first.
        until: when it gives up waiting on a held clock; 0 while it does not wait.
        patience: how long its wait on a held clock may last, in milliseconds,
            rounded up; 0 if it did not wait on one.
        states: bits of `layout.STATES`, where they were asked for.
    """

    index: int
    name: str
    fd: int
    args: tuple[int, int, int, int]
    done: bool
    result: int
    error: int
    injected: int
    where: int
    pid: int
    tid: int
    entered: int
    left: int
    payload: bytes
    sockaddr: bytes = b""
    control: bytes = b""
    line: int | None = field(default=None)
    callers: tuple[int, ...] = ()
    until: int = 0
    patience: int = 0
    states: int = 0

    @property
    def failed(self) -> bool:
        return self.done and self.result == -1

    @property
    def errno(self) -> str:
        """The symbolic name of the error, ``""`` if there was none."""
        return name_of(self.error)

    def any_of(self, group: str) -> bool:
        """Whether this is a call of a group of `calls.GROUPS`, or that call."""
        return self.name in GROUPS.get(group, (group,))

    @property
    def only_looks(self) -> bool:
        """Of a receiving call: whether it leaves the bytes where they are (MSG_PEEK)."""
        return self.name != "read" and bool(self.args[1] & _PEEK)

    @property
    def leaves_a_rest(self) -> bool:
        """Of a sending call: whether the kernel has not taken all of it, for want of room."""
        return self.errno == "EAGAIN" or 0 <= self.result < self.args[0]

    @property
    def gives_up_at(self) -> int:
        """When a wait on a held clock was to end by itself (nanoseconds)."""
        return self.entered + self.patience * 1_000_000

    @property
    def told_error(self) -> int | None:
        """The errno that getsockopt(SO_ERROR) told of, 0 for none; None of any other call."""
        if self.name != "getsockopt" or self.args[:2] != (socket.SOL_SOCKET, socket.SO_ERROR) or not self.done:
            return None
        return int.from_bytes(self.payload[:4], sys.byteorder)

    @property
    def address(self) -> tuple[str, int] | None:
        """The IP address and port that the call was given, or has told."""
        return decoded.ip_address(self.sockaddr)

    @property
    def link(self) -> tuple[int, int] | None:
        """The same of a packet socket: its protocol, and the number of the interface;
        None of another family."""
        return decoded.link_address(self.sockaddr)

    @property
    def path(self) -> bytes | None:
        """The same of a Unix socket: its path, ``b""`` for none, ``b"\\0name"`` of the
        abstract namespace; None of another family."""
        return decoded.unix_path(self.sockaddr)

    @property
    def made(self) -> tuple[int, ...]:
        """The descriptors that it has made, or received."""
        if not self.done or self.failed:
            return ()
        if self.name in _MAKES or (self.name == "fcntl" and self.args[0] in _DUPLICATES):
            return (self.result,)
        if self.name in ("socketpair", "pipe") and len(self.payload) >= 8:
            return struct.unpack_from("=ii", self.payload)
        return self.passed if self.name == "recvmsg" else ()

    @property
    def option(self) -> str:
        """Of setsockopt and getsockopt: the option's name."""
        return decoded.option_name(*self.args[:2])

    @property
    def passed(self) -> tuple[int, ...]:
        """The descriptors that control messages carry."""
        return decoded.passed_descriptors(self.control)

    @property
    def credentials(self) -> decoded.Credentials | None:
        """Those that control messages carry, or that getsockopt(SO_PEERCRED) told of."""
        if self.name == "getsockopt":
            return decoded.credentials(self.payload) if self.option == "SO_PEERCRED" else None
        return decoded.passed_credentials(self.control)

    @property
    def paths(self) -> list[str]:
        """Of a call that works on files: the paths that it was given."""
        return [os.fsdecode(path) for path in self.payload.split(b"\0")]

    def arg(self, name: str) -> int:
        """One of its numbers, by what `calls.TABLE` calls it."""
        return self.args[TABLE[NUMBER[self.name] - 1].args.split().index(name)]


def eai_name(code: int) -> str:
    """The symbolic name of an error of getaddrinfo(), or its number."""
    return next((name for name in dir(socket) if name.startswith("EAI_") and getattr(socket, name) == code), str(code))


def _entry(index: int) -> int:
    """Where the record of that index stands."""
    return layout.RECORDS + index % layout.CAPACITY * layout.RECORD_SIZE


class Trace:
    """A block of shared memory, made by the judge, written by the learner.

    Attributes:
        calls: everything read so far, in order; `update` completes it.
        lost: how many records were overwritten before they were read.
    """

    def __init__(self) -> None:
        self.fd = os.memfd_create("trace", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, layout.SIZE)
        self._memory = mmap.mmap(self.fd, layout.SIZE)
        self.calls: list[Call] = []
        self.lost = 0
        self._read = 0
        self._open: list[int] = []  # positions in calls of those that have not returned
        self._missing: list[int] = []  # indices claimed but not yet entered
        self["magic"], self["capacity"] = layout.MAGIC, layout.CAPACITY

    def close(self) -> None:
        self._memory.close()
        os.close(self.fd)

    def __getitem__(self, name: str) -> int:
        offset, code = layout.FIELDS[name]
        return struct.unpack_from("<" + code, self._memory, offset)[0]

    def __setitem__(self, name: str, value: int) -> None:
        offset, code = layout.FIELDS[name]
        struct.pack_into("<" + code, self._memory, offset, value)

    def update(self) -> bool:
        """Read what has been written since; whether there was anything."""
        changed = False
        for position in list(self._open):
            call = self._parse(self.calls[position].index)
            before = self.calls[position]
            if call is None:
                continue
            if (
                call.done
                or call.until != before.until
                or (call.payload, call.sockaddr, call.control) != (before.payload, before.sockaddr, before.control)
            ):
                self.calls[position] = call
                changed = True
                if call.done:
                    self._open.remove(position)
                    self._clear(call.index)
        end = self["next"]
        if end - self._read > layout.CAPACITY:
            self.lost += end - self._read - layout.CAPACITY
            self._read = end - layout.CAPACITY
        fresh, self._missing = self._missing + list(range(self._read, end)), []
        self._read = end
        for index in fresh:
            call = self._parse(index)
            if call is None:
                self._missing.append(index)
                continue
            changed = True
            self.calls.append(call)
            if call.done:
                self._clear(index)
            else:
                self._open.append(len(self.calls) - 1)
        self["read"] = min(self._missing, default=end)
        return changed

    def _clear(self, index: int) -> None:
        """Let the next call that has this place be seen only when it is written."""
        _STATE.pack_into(self._memory, _entry(index), layout.CLAIMED)

    @property
    def unfinished(self) -> list[Call]:
        """The calls that have not returned, in order."""
        return [self.calls[position] for position in self._open]

    @property
    def clock_shows(self) -> int:
        """What the program reads on a held clock (nanoseconds): it reads no moment twice."""
        return self["clock_now"] + self["clock_drift"]

    @property
    def limited(self) -> list[Call]:
        """Of these, the ones that the held clock will end."""
        return [call for call in self.unfinished if call.until]

    def _parse(self, index: int) -> Call | None:
        entry = _entry(index)
        record = layout.RECORD.unpack_from(self._memory, entry)
        state, operation, injected, pid, tid, fd, error = record[:7]
        if state == layout.CLAIMED or not 0 < operation <= len(TABLE):
            return None
        start = entry + layout.RECORD.size
        address = start + layout.PAYLOAD_SIZE
        control = address + layout.ADDRESS_SIZE
        return Call(
            index=index,
            name=TABLE[operation - 1].name,
            fd=fd,
            args=record[7:11],
            done=state == layout.DONE,
            result=record[11],
            error=error,
            injected=injected,
            where=record[12],
            pid=pid,
            tid=tid,
            entered=record[13],
            left=record[14],
            payload=self._memory[start : start + record[15]],
            sockaddr=self._memory[address : address + record[18]],
            control=self._memory[control : control + record[19]],
            until=record[14] if state == layout.WAITING else 0,
            patience=record[16],
            states=record[17],
        )

    def snapshot(self, call: Call) -> bytes:
        """What was kept of its caller's frame; empty if nothing was, or others
        have come since."""
        return self._snapshot(call.index % layout.SNAPSHOTS, call.index + 1)

    @property
    def last_return(self) -> bytes:
        """What was kept of the frame of the C function that has returned last."""
        return self._snapshot(layout.SNAPSHOTS, 1)

    def _snapshot(self, slot: int, owner: int) -> bytes:
        start = layout.FIRST_SNAPSHOT + slot * layout.SNAPSHOT_SIZE
        found, length = layout.SNAPSHOT.unpack_from(self._memory, start)
        start += layout.SNAPSHOT.size
        return self._memory[start : start + min(length, layout.SNAPSHOT_ROOM)] if found == owner else b""

    @property
    def blocks(self) -> list[int]:
        """The blocks of the learner's C code that have run last, in order: offsets
        in the module."""
        count = self["blocks"]
        ring = struct.unpack_from(f"<{layout.BLOCK_LIMIT}I", self._memory, layout.BLOCKS)
        place = count % layout.BLOCK_LIMIT
        return [block for block in (*ring[place:], *ring[:place]) if block]

    # --- the script's side ------------------------------------------------

    def hold_clock(self) -> None:
        """From now on the program's time moves only by script: from late in a second,
        in every run, so that whoever counts whole seconds is always far off."""
        self["clock_now"] = time.monotonic_ns() // 1_000_000_000 * 1_000_000_000 + 900_000_000
        self["clock_held"] = 1

    def arm(self, on: bool) -> None:
        """Faults count and act only while a function of the contract runs."""
        self["armed"] = int(on)

    def plan(self, faults: list[Fault]) -> None:
        """Write what is new in the fault plan; its counters start at 0, those of
        the faults before go on.

        Raises:
            ValueError: there are more faults than the plan has room for.
        """
        if len(faults) > layout.FAULT_LIMIT:
            raise ValueError(f"a plan has room for {layout.FAULT_LIMIT} faults")
        for i, fault in list(enumerate(faults))[self["fault_count"] :]:
            offset = layout.FAULTS + i * layout.FAULT.size
            self._memory[offset : offset + layout.FAULT.size] = fault.packed()
        self["fault_count"] = len(faults)

    def retire(self, number: int) -> None:
        """Let the plan's fault of that number touch no call any more."""
        offset = layout.FAULTS + number * layout.FAULT.size
        entry = list(layout.FAULT.unpack_from(self._memory, offset))
        entry[7] = 0  # the last call that it is meant for
        layout.FAULT.pack_into(self._memory, offset, *entry)

    def hits(self, number: int) -> int:
        """How many calls the plan's fault of that number has touched."""
        return layout.FAULT.unpack_from(self._memory, layout.FAULTS + number * layout.FAULT.size)[12]

    def script_resolver(self, name: str, addresses: list[str], service: str, port: str, lacks: str) -> None:
        """Let getaddrinfo know name ("": NULL) under these numeric addresses,
        and that service by its port, on a machine that lacks a family."""
        text = "\0".join([name, service, port, lacks, *addresses, "", ""]).encode()
        self._memory[layout.RESOLVER : layout.RESOLVER + len(text)] = text

    @property
    def noted_frames(self) -> list[int]:
        """Offsets of the module on the stack when a signal was noted."""
        frames = struct.unpack_from(f"<{layout.FRAME_LIMIT}Q", self._memory, layout.FRAMES)
        return [frame for frame in frames if frame]

    @property
    def report(self) -> str:
        """What a sanitizer had to say before it ended the process."""
        length = min(self["report_length"], layout.REPORT_SIZE)
        return self._memory[layout.HEADER_SIZE : layout.HEADER_SIZE + length].decode(errors="replace")
