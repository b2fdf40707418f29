"""What records keep of memory, in the words of transcripts: addresses, paths, options,
control messages.

Nothing of it is another in the next run: a path is told by its last name, and not even
that where the name is made up; numbers of descriptors and processes are left out.
"""

from __future__ import annotations

import os
import re
import socket
import struct

from grader.trace import decoded
from grader.trace.reader import Call
from grader.verdict.words import counted

#: A file name that a person has given.
_GIVEN = re.compile(r"(?!tmp)[A-Za-z]+(?:[._-][A-Za-z]+)*")
#: Flags that recvmsg() reports.
_FLAGS = ("MSG_TRUNC", "MSG_CTRUNC", "MSG_OOB", "MSG_EOR")
_MEMBERSHIPS = ("IP_ADD_MEMBERSHIP", "IP_DROP_MEMBERSHIP")


def path_words(path: bytes) -> str:
    """A path, quoted."""
    name = os.fsdecode(path.rstrip(b"/")).rpartition("/")[2]
    return f'"{name}"' if _GIVEN.fullmatch(name) else "..."


def endpoint(call: Call, port: str, *, in_python: bool) -> str:
    """The address that a call was given or has told; ``""`` if it has none.

    Args:
        port: its port in words, ``""`` for one that nobody has chosen.
    """
    if call.address:
        host = call.address[0]
        if in_python:
            return f'("{host}", {port or "..."})'
        return f"{f'[{host}]' if ':' in host else host}:{port}".rstrip(":")
    if call.link is not None:
        return f"interface {call.link[1]}, protocol {call.link[0]:#06x}"
    if call.path is None:
        return ""
    if call.path.startswith(b"\0"):
        return f'"\\0{path_words(call.path[1:])[1:]}' if path_words(call.path[1:]) != "..." else '"\\0..."'
    return path_words(call.path) if call.path else '""'


def control_words(call: Call) -> str:
    """What control messages carry; ``""`` without any."""
    words = [counted(len(call.passed), "descriptor")] if call.passed else []
    if call.name != "getsockopt" and call.credentials:
        words.append(credentials_words(call.credentials))
    others = len(decoded.control_messages(call.control)) - len(words)
    return ", ".join([*words, *([counted(others, "control message")] if others > 0 else [])])


def credentials_words(credentials: decoded.Credentials) -> str:
    """Who somebody is, but for the number of the process."""
    return f"uid {credentials.uid}, gid {credentials.gid}"


def received_flags(call: Call) -> str:
    """The flags that recvmsg() has reported; ``0`` for none."""
    received = call.arg("received")
    return " | ".join(name for name in _FLAGS if received & getattr(socket, name)) or "0"


def option_words(call: Call) -> str:
    """The value of a socket option; ``""`` for one that the source tells as well."""
    data, words = call.payload, ""
    if call.option in _MEMBERSHIPS and len(data) >= 8:
        # a struct ip_mreqn names the interface by its number, too
        number = int.from_bytes(data[8:12], "little") if len(data) >= 12 else 0
        words = f"{socket.inet_ntoa(data[:4])} on {f'interface {number}' if number else socket.inet_ntoa(data[4:8])}"
    elif call.option == "IP_MULTICAST_IF" and len(data) in (4, 8, 12):
        words = socket.inet_ntoa(data[:4] if len(data) == 4 else data[4:8])
    elif call.option in ("SO_RCVTIMEO", "SO_SNDTIMEO") and len(data) == 16:
        seconds, micros = struct.unpack("ll", data)
        words = f"{seconds + micros / 1e6:g} s"
    elif call.option == "SO_PEERCRED" and call.credentials:
        words = credentials_words(call.credentials)
    elif call.option == "SO_LINGER" and len(data) == 8:
        on, seconds = struct.unpack("ii", data)
        words = f"{seconds} s" if on else "off"
    return words
