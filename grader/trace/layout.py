"""The trace: the one format in which every call of the learner is written down.

The trace is a block of shared memory.  The learner's process writes it (in C
the link-time tracer of ``c/``, in Python that of ``python/``), the judge reads it.  Four parts, in this order:

1. a **header** of `HEADER_SIZE` bytes: the claim counter, the doorbell, the
   fault plan, the scripted resolver;
2. a **report** area of `REPORT_SIZE` bytes, where a sanitizer leaves its text;
3. `CAPACITY` **records** of `RECORD_SIZE` bytes, one for each call;
4. `SNAPSHOTS` **snapshots** of `SNAPSHOT_SIZE` bytes: what the caller's frame held
   at the last calls, each under the index of its record; of C one more, of the
   function that has returned last.

A writer claims a record by adding one to ``next``: the index is a total order
over all threads and forked children.  A record is written when its call is
entered and completed when the call returns, so a call that blocks for ever is
in the trace, and the trace survives SIGKILL.  The records are a ring: the judge
says in ``read`` how far it has come, and clears what it has read to its end; a
writer that is a ring ahead waits for it.

This module, with the table of `grader.trace.calls`, is the only place where the
numbers stand: `c_header` turns both into the header that C is compiled with.
"""

from __future__ import annotations

import struct

from grader.trace.calls import GROUPS, NUMBER, mask

MAGIC = 0x33314254  # "TB13", little-endian
CAPACITY = 1 << 15
#: A writer leaves so many records free, for threads that claim theirs at once; and
#: after so many naps it writes all the same: nobody reads any more.
SPARE, NAP_NANOSECONDS, NAPS = 256, 100_000, 20_000
HEADER_SIZE = 8192
REPORT_SIZE = 8192
RECORDS = HEADER_SIZE + REPORT_SIZE
RECORD_SIZE = 416
SNAPSHOTS = 256
SNAPSHOT_SIZE = 2048
FIRST_SNAPSHOT = RECORDS + CAPACITY * RECORD_SIZE
SIZE = FIRST_SNAPSHOT + (SNAPSHOTS + 1) * SNAPSHOT_SIZE

#: What a record keeps of memory: bytes that were moved (or names), a socket address,
#: and control messages, as the kernel has them.  A path may take the room of all.
PAYLOAD_SIZE, ADDRESS_SIZE, CONTROL_SIZE = 128, 112, 72

#: What can be said of the descriptor that a call works on, and of the call, when it
#: is entered; a state's bit is its place in this list.  Faults are bound to them.
STATES = (
    "tcp",
    "udp",
    "unix",
    "raw",  # of an IP protocol
    "packet",  # of whole frames
    "ipv6",
    "datagram",  # whatever is sent as one is received as one, frames too
    "stream",  # of a Unix socket
    "unconnected",  # a fresh socket, or one that is not connected yet
    "connecting",  # a connect() is under way in the background
    "connected",
    "half-closed",  # connected, and the peer's end-of-file has arrived
    "listening",  # the socket is; of a wait: the program has one that is
    "ready",  # accept, recv: there is a client, there are bytes or their end
    "blocking",  # the call may sleep
    "trying",  # of a lock: it is not waited for
    "named",  # of a Unix socket: it has a path, or its peer has; socketpair() gives none
    "adding",  # epoll_ctl: a descriptor; setsockopt: a group; open: a file, if need be
    "library",  # Python: what a library has opened for itself
)
STATE_BIT = {name: 1 << number for number, name in enumerate(STATES)}

# Record states.  A call that waits on a held clock has looked once, and in vain.
CLAIMED, ENTERED, DONE, WAITING = 0, 1, 2, 3

# Fault kinds, bits of `Fault.kinds` and of a record's `injected`.
ERROR, RETVAL, SIGNAL, LIMIT, HOLD, POKE, BECOMES = 1, 2, 4, 8, 16, 32, 64

#: state, operation, injected, pid, tid, fd, errno | 4 arguments, result,
#: where | entered, left (CLOCK_MONOTONIC, ns; while it waits on a held clock,
#: ``left`` is when it gives up) | payload length kept, milliseconds that a wait
#: on a held clock may take | `STATES`, where the plan or the judge asks for them;
#: lengths kept of an address and of control messages.
RECORD = struct.Struct("<IHHiiii 4q q Q QQ II I HH")
assert RECORD.size + PAYLOAD_SIZE + ADDRESS_SIZE + CONTROL_SIZE == RECORD_SIZE

#: Of a snapshot: one more than the index of its record, the length of what follows
#: (`snapshot` has Python's text; of C it is `STACK` and a part of the stack).
SNAPSHOT = struct.Struct("<Q I4x")
SNAPSHOT_HEAD = SNAPSHOT.size
#: The frame pointer, where the frame ends, the places that it and the functions
#: around it were called at (offsets in the module, 0 where there are no more).
STACK = struct.Struct("<QQ 4I")
SNAPSHOT_ROOM = SNAPSHOT_SIZE - SNAPSHOT.size

# Header fields: name -> (offset, struct code).
FIELDS = {
    "magic": (0, "I"),
    "capacity": (4, "I"),
    "next": (8, "Q"),
    "read": (104, "Q"),  # all records before that one have been read
    "reader_naps": (112, "I"),  # how often a writer has slept until they were
    "waiting": (16, "I"),  # the judge sleeps: ring the doorbell
    "doorbell": (20, "i"),  # eventfd in the learner's process
    "armed": (24, "I"),  # the function runs: count calls, apply faults
    "forks": (28, "I"),
    "fork_limit": (32, "I"),
    "held": (36, "I"),  # calls that have reached a `hold`
    "released": (40, "I"),  # calls that may go on from one
    "fault_count": (44, "I"),
    "note": (48, "I"),  # the signal that FRAMES belong to
    "report_length": (52, "I"),
    "notes": (72, "I"),  # how often the budget has ended
    "strays": (76, "I"),  # forked children that came back from the function
    "clock_held": (56, "I"),  # time moves only by script
    "clock_now": (64, "Q"),  # what a held CLOCK_MONOTONIC shows, in nanoseconds
    "blocks": (84, "I"),  # of the learner's C code, how many have run
    "clock_drift": (96, "Q"),  # and what it is ahead of that: a little more at each reading
    "timer_due": (88, "Q"),  # CLOCK_MONOTONIC: until then a timer may wake the program
    "interrupts": (120, "I"),  # waits on a held clock that are to end with EINTR
    "stops": (124, "I"),  # how often the script has stopped the program
    "tells_states": (80, "I"),  # every record holds `STATES`
}

#: operations (a bit each, in two words), kinds, states (all of them) | retval, limit |
#: first, last, step, error, signal | count, hits | option (`option_key`) | poke length,
#: poke bytes.
POKE_SIZE = 52
FAULT = struct.Struct(f"<QQ II qq IIIii II I I {POKE_SIZE}s")
FAULTS = 128
FAULT_LIMIT = 24

#: Frames of the module when a fatal signal or the end of the processor-time
#: budget came, innermost first: offsets of 8 bytes.
FRAMES = 3264
FRAME_LIMIT = 12

#: The scripted resolver: "name\\0service\\0port\\0address\\0address\\0\\0"; an
#: empty name is a NULL host, and without an address there is no script.
RESOLVER = 3584
RESOLVER_SIZE = 1024

#: The blocks of the learner's C code that have run last, a ring: offsets in the
#: module of 4 bytes.
BLOCKS = 4608
BLOCK_LIMIT = 256


_WORD = (1 << 64) - 1
_C_NAMES = (
    "MAGIC CAPACITY SPARE NAP_NANOSECONDS NAPS HEADER_SIZE REPORT_SIZE RECORDS RECORD_SIZE "
    "PAYLOAD_SIZE ADDRESS_SIZE CONTROL_SIZE POKE_SIZE "
    "CLAIMED ENTERED DONE WAITING ERROR RETVAL SIGNAL LIMIT HOLD POKE BECOMES "
    "FAULTS FAULT_LIMIT FRAMES FRAME_LIMIT RESOLVER RESOLVER_SIZE "
    "FIRST_SNAPSHOT SNAPSHOTS SNAPSHOT_SIZE SNAPSHOT_HEAD BLOCKS BLOCK_LIMIT"
)


def operation_words(mask: int) -> tuple[int, int]:
    """A mask of `calls.mask`, as a fault has it: two words of 64 bits."""
    return mask & _WORD, mask >> 64


def option_key(level: int, option: int) -> int:
    """One number for a socket option; never 0, which is any."""
    return 1 << 31 | level << 16 | option


def c_header() -> str:
    """Write this layout as C, for the tracer to include.

    Returns:
        Source text that defines the sizes, the offsets and the operation
        numbers, and nothing else.
    """
    lines = ["/* Written from layout.py; do not edit. */"]
    for name in _C_NAMES.split():
        lines.append(f"#define TRACE_{name} {globals()[name]}")
    lines.append(f"#define TRACE_FAULT_SIZE {FAULT.size}")
    for name, (offset, _code) in FIELDS.items():
        lines.append(f"#define TRACE_AT_{name.upper()} {offset}")
    for name, number in NUMBER.items():
        lines.append(f"#define OP_{name.upper()} {number}")
    for name, bit in STATE_BIT.items():
        lines.append(f"#define STATE_{name.upper().replace('-', '_')} {bit}u")
    for name in GROUPS:
        words = (f"{mask(name) >> shift & _WORD:#x}ull" for shift in (0, 64))
        lines.append(f"#define GROUP_{name.upper()} {{ {', '.join(words)} }}")
    return "\n".join(lines) + "\n"
