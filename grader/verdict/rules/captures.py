"""Packet sockets: what they are told to hear."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains

_EVERY_PROTOCOL = 0x0003
#: The same with its bytes the other way round, as a machine may have it.
_TURNED = 0x0300


@explains
def every_protocol_order(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A packet socket is told to hear protocol 3 of a machine whose byte order is another."""
    if failure.kind != "hang" or sys.byteorder != "little":
        return
    for call in evidence.calls:
        if call.failed or not call.done:
            continue
        if call.name == "bind" and call.link is not None and call.link[0] == _TURNED:
            told = f"{evidence.place(call)} bind() is told the protocol 0x0300"
        elif call.name == "socket" and call.args[0] == socket.AF_PACKET and call.args[2] == _EVERY_PROTOCOL:
            told = f"{evidence.place(call)} socket() is told the protocol 0x0300"
        else:
            continue
        # a later bind() with another one is what counts
        if any(c.name == "bind" and c.link and c.link[0] not in (0, _TURNED) for c in evidence.calls):
            continue
        yield Finding(
            call.index, ("every-protocol-order",),
            f"{told}, in network byte order, which no frame has; ETH_P_ALL is 0x0003",
            (call,), "packet(7), DESCRIPTION", particular=True,
        )  # fmt: skip
