"""Faults: calls of the learner's that are tampered with, in strace's words.

=========  ==================================================================
error      the call is not made and fails with this errno
retval     the call is not made and returns this
signal     the process gets this signal when the call is entered
when       which calls: words of `layout.STATES`, all of which hold when the call is
           made, and which of those calls, counted from 1 in the order in which
           they are made: ``first``, ``first..last``, ``first..last+step``,
           ``first+step`` (to the end); without a number, every one
limit      a stream call moves at most so many bytes: they really move; a sleep
           lasts at most so many milliseconds; the connections of a socket that
           listens have a send buffer of so many bytes (socket(7), SO_SNDBUF)
option     which socket option, of setsockopt and getsockopt: ``SO_PEERCRED``; without
           it, every one
hold       the call is made, and its return waits until the script goes on
poke       what the call has brought is overwritten by these bytes: the value of
           getsockopt(), the first bytes of a receive, the address of getsockname()
           and getpeername()
becomes    the call is made; a refusal that it reports, ECONNREFUSED in errno or in
           the value of SO_ERROR, becomes this error
=========  ==================================================================

A fault belongs to a state rather than to a number: programs make the same calls in
different orders, and libraries make calls of their own.  ``when="ready 2"`` is the
second accept() for which a client waits, whether the program polls first, tries
first or sleeps in accept(); a call that sleeps is touched when it is ready.
``"listening blocking 1"`` is the first wait, in whichever call, of a program that
listens.  What a Python library opens for itself is left alone (`tamper`).
"""

from __future__ import annotations

import errno as errnos
import re
import signal as signals
from dataclasses import dataclass

from grader.trace import layout
from grader.trace.calls import mask
from grader.trace.decoded import option_number

_EVERY = 0xFFFFFFFF
_WHEN = re.compile(r"((?:[a-z][a-z0-9-]* ?)*)(?:(?<![a-z0-9-])(\d+)(?:\.\.(\d+))?(?:\+(\d+))?)?")


@dataclass(frozen=True)
class Fault:
    """One entry of a fault plan.

    Attributes:
        call: a call, or a group of `calls.GROUPS` that counts as one
            (``send`` is also ``write``, ``sendmsg`` and so on).
        when: in which states, and which of them: ``"listening 1..2"``.
        error, becomes, signal, option: symbolic names, ``"EPIPE"``, ``"SIGTERM"``.
    """

    call: str
    when: str = ""
    error: str | None = None
    retval: int | None = None
    signal: str | None = None
    limit: int | None = None
    hold: bool = False
    poke: bytes = b""
    becomes: str | None = None
    option: str = ""

    def __post_init__(self) -> None:
        if not mask(self.call):
            raise ValueError(f"no such call: {self.call}")
        if self.when and not _WHEN.fullmatch(self.when):
            raise ValueError(f"when={self.when!r} is not [states] [first[..last][+step]]")
        self._states()
        self._option()
        if len(self.poke) > layout.POKE_SIZE:
            raise ValueError(f"a poke has room for {layout.POKE_SIZE} bytes")
        if not self._kinds():
            raise ValueError(f"a fault of {self.call} that does nothing")

    def _kinds(self) -> int:
        kinds = {
            layout.ERROR: self.error is not None,
            layout.RETVAL: self.retval is not None,
            layout.SIGNAL: self.signal is not None,
            layout.LIMIT: self.limit is not None,
            layout.HOLD: self.hold,
            layout.POKE: bool(self.poke),
            layout.BECOMES: self.becomes is not None,
        }
        return sum(kind for kind, there in kinds.items() if there)

    def _states(self) -> int:
        words = _WHEN.fullmatch(self.when)[1].split()
        if unknown := [word for word in words if word not in layout.STATE_BIT]:
            raise ValueError(f"no such state: {unknown[0]}")
        return sum(layout.STATE_BIT[word] for word in words)

    def _range(self) -> tuple[int, int, int]:
        _states, first, last, step = _WHEN.fullmatch(self.when).groups()
        if not first:
            return 1, _EVERY, 1
        if last:
            return int(first), int(last), int(step or 1)
        return int(first), _EVERY if step else int(first), int(step or 1)

    def _option(self) -> int:
        """The option as the plan has it: 0 for any."""
        if not self.option:
            return 0
        if self.call not in ("setsockopt", "getsockopt"):
            raise ValueError(f"{self.call} has no option")
        return layout.option_key(*option_number(self.option))

    def packed(self) -> bytes:
        """The entry as the shared memory holds it, counters at 0."""
        return layout.FAULT.pack(
            *layout.operation_words(mask(self.call)),
            self._kinds(),
            self._states(),
            self.retval or 0,
            self.limit or 0,
            *self._range(),
            getattr(errnos, self.error or self.becomes or "", 0),
            getattr(signals, self.signal) if self.signal else 0,
            0,
            0,
            self._option(),
            len(self.poke),
            self.poke,
        )
