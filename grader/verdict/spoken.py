"""One call of the program's as a line of a transcript, in the words of its language."""

from __future__ import annotations

import socket
from functools import cached_property

from grader.trace.calls import GROUPS, TABLE
from grader.trace.reader import Call, eai_name
from grader.verdict.evidence import Evidence
from grader.verdict.model import Line, Place
from grader.verdict.names import Names
from grader.verdict.values import control_words, endpoint, option_words, path_words, received_flags
from grader.verdict.words import counted

_SENDS = GROUPS["send"]
_RECEIVES = GROUPS["recv"]
_WAITS = GROUPS["wait"]
#: Calls that make something that the program gives a name.
_MAKES = ("socket", "accept", "accept4", "dup", "fork", "epoll_create", "open", "mkstemp")
#: Calls whose second C argument is memory, and whose third is its length.
_WITH_MEMORY = ("send", "sendto", "write", "recv", "recvfrom", "read")
#: Calls whose first arguments are paths.
_ON_PATHS = tuple(call.name for call in TABLE if call.keeps == "path" and call.name not in ("execve", "posix_spawn"))
#: Where the mode is among the arguments of Python's.
_WITH_MODE = {"open": 2, "mkdir": 1, "chmod": 1}
#: Python's names for calls that stand for several of C's or have another one there.
_KNOWN = {"pthread_create": "Thread.start", "fread": "file.read", "fwrite": "file.write", "fclose": "file.close"}
#: Exceptions that stand for one errno alone (PEP 3151), but for ESHUTDOWN.
_EXACT = ("ConnectionResetError", "ConnectionRefusedError", "ConnectionAbortedError", "BrokenPipeError",
          "InterruptedError", "ChildProcessError", "FileNotFoundError")  # fmt: skip
#: Ports that scripts choose are of the kernel's ephemeral ones, or near them.
_FIRST_OF_SCRIPTS = 10000
#: Characters of data that a line shows, and bytes that are shown as numbers.
_TEXT, _BYTES = 24, 8


class Speaker:
    """Says what a program's calls were.

    Args:
        evidence: that the calls belong to, with lines looked up.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._source = evidence, evidence.source
        self._speaks_python = evidence.source.language == "python"

    @cached_property
    def _names(self) -> Names:
        return Names(self._evidence)

    def spoken(self, call: Call) -> Line:
        """One call with its arguments and its result."""
        if call.name == "abandon":
            return self._line(call, f"{self._names.of(call) or 'a socket'} is left open, to the garbage collector")
        text, arguments = self._python(call) if self._speaks_python else self._c(call)
        assigned = self._source.assigned(call) if call.name in _MAKES and call.done and not call.failed else ""
        if assigned:
            text = f"{self._names.numbered(assigned, call)} = {text}"
        return self._line(call, text, tuple(filter(None, arguments)), self._result(call, named=bool(assigned)))

    def summary(self, call: Call, names: str, result: str) -> Line:
        """Several calls as one line, at the place and under the label of the first."""
        return self._line(call, names, None, result)

    def _line(self, call: Call, text: str, arguments: tuple[str, ...] | None = None, result: str = "") -> Line:
        place = Place(self._source.name, call.line) if call.line else None
        return Line("learner", text, arguments, result, place, self._names.actor(call), bool(call.injected))

    # --- the call ---------------------------------------------------------

    def _python(self, call: Call) -> tuple[str, list[str]]:
        spelled, written = self._source.spelled(call), self._source.arguments(call)
        name = self._names.of(call)
        if not spelled:
            known = _KNOWN.get(call.name, call.name)
            spelled, written = f"{name}.{known}" if name else known, []
        elif call.fd >= 0 and name and spelled.startswith(("os.", "fcntl.")):
            written = [name, *written[1:]]
        elif name and "." in spelled and self._source.descriptor(call):
            spelled = f"{name}.{spelled.rpartition('.')[2]}"
        elif call.fd < 0:
            spelled = spelled.removeprefix("socket.")
        written = [text.replace("socket.", "") if text.startswith("socket.") else text for text in written]
        return spelled, self._python_arguments(call, spelled.rpartition(".")[2], written)

    def _python_arguments(self, call: Call, spelled: str, written: list[str]) -> list[str]:
        arguments = written
        if call.name in _SENDS or call.name in _RECEIVES:
            arguments = self._python_moved(call, spelled, written)
        elif call.name == "socket":
            arguments = _socket_words(call)[: 3 if call.args[2] else 2]
        elif call.name in ("bind", "connect") and call.sockaddr:
            arguments = [self._endpoint(call) or "..."]
        elif call.name in _ON_PATHS:
            arguments = [*self._paths(call, len(written) or 2), *written[call.payload.count(b"\0") + 1 :]]
            if call.name in _WITH_MODE and len(arguments) == _WITH_MODE[call.name] + 1:
                arguments[-1] = f"{call.arg('mode'):#o}"
        elif call.name in ("umask", "fchmod"):
            arguments = [*written[:-1], f"{call.args[0]:#o}"]
        elif call.name == "setsockopt" and option_words(call):
            arguments = [*written[:2], option_words(call)]
        elif spelled in ("settimeout", "setblocking"):
            limit, forever = call.args[2:]
            arguments = [f"{limit / 1000:g}" if limit else str(bool(forever)) if spelled == "setblocking" else "None"]
        elif call.name == "getaddrinfo":
            arguments = [*self._looked_up(call, "None"), *written[2:]]
        elif call.name in _WAITS and (limit := self._limit(call)):
            in_milliseconds = spelled == "poll" and call.name == "poll"
            arguments = [*written[:-1], f"{limit / (1 if in_milliseconds else 1000):g}"]
        return arguments

    def _python_moved(self, call: Call, spelled: str, written: list[str]) -> list[str]:
        """The arguments of a call that moves bytes."""
        data = self._data(call, call.args[0]) or counted(call.args[0])
        if spelled == "recv_fds":
            return written
        if spelled == "send_fds":
            return [*written[:1], data, f"[{control_words(call)}]", *written[3:]]
        if spelled.endswith("_into"):
            return [*written[:1], str(call.args[0])]
        if call.name in _RECEIVES:
            return [str(call.args[0]), *written[1:]]
        arguments = [data, *written[1:]]
        if len(arguments) > 1 and call.control:
            arguments[1] = f"[{control_words(call)}]"
        if call.sockaddr and self._endpoint(call):
            arguments[-1] = self._endpoint(call)
        return arguments

    def _c(self, call: Call) -> tuple[str, list[str]]:
        written = self._source.arguments(call)
        spelled = self._source.spelled(call) or call.name
        values = self._c_values(call)
        if not written and call.fd >= 0:
            values.setdefault(0, self._names.of(call) or f"fd {call.fd}")
        count = max([len(written), *(place + 1 for place in values)])
        return spelled, [values.get(i) or "".join(written[i : i + 1]) for i in range(count)]

    def _c_values(self, call: Call) -> dict[int, str]:
        """The arguments whose values say more than their names: place -> value."""
        name = self._names.of(call) if call.fd >= 0 else ""
        values = {0: name} if name and call.name not in ("fread", "fwrite") else {}
        if call.name in _WITH_MEMORY:
            length = call.result if call.name in _RECEIVES else call.args[0]
            values |= {1: self._data(call, length), 2: str(call.args[0])}
            if call.name in ("sendto", "recvfrom"):
                values[4] = self._endpoint(call)
        elif call.name == "socket":
            values = dict(enumerate(_socket_words(call)))
        elif call.name in ("bind", "connect") and self._endpoint(call):
            values |= {1: self._endpoint(call), 2: str(call.args[0])}
        elif call.name in ("sendmsg", "recvmsg"):
            values[1] = self._message(call)
        elif call.name in ("setsockopt", "getsockopt"):
            words = option_words(call)
            values[3] = f"{{{words}}}" if "," in words else words
        elif call.name in _ON_PATHS and self._source.spelled(call) in ("", call.name):
            values |= dict(enumerate(self._paths(call, 2)))
        elif call.name == "listen":
            values[1] = str(call.args[0])
        elif call.name == "getaddrinfo":
            values = dict(enumerate(self._looked_up(call, "NULL")))
        elif call.any_of("wait") and (limit := self._limit(call)):
            place = {"poll": 2, "epoll_wait": 3}.get(call.name, 4)
            values[place] = f"{limit} ms"
        return values

    def _limit(self, call: Call) -> int:
        """How long a call may wait, in milliseconds: on a held clock alone it is the same
        in every run; 0 for as long as it takes, or not at all."""
        return max(0, call.arg("limit")) if self._evidence.is_clock_held else 0

    def _endpoint(self, call: Call) -> str:
        """The address that a call was given, or has told; ``""`` if it has none."""
        port = self._port(call.address[1]) if call.address else ""
        return endpoint(call, port, in_python=self._speaks_python)

    def _paths(self, call: Call, most: int) -> list[str]:
        """The paths that a call was given."""
        return [path_words(path) for path in call.payload.split(b"\0")[:most] if path]

    def _message(self, call: Call) -> str:
        """A struct msghdr of C; ``""`` for a message that has not come."""
        if call.name == "recvmsg" and (call.failed or not call.done):
            return ""
        length = call.result if call.name == "recvmsg" else call.args[0]
        words = [self._data(call, length) or counted(length), control_words(call)]
        if call.sockaddr and self._endpoint(call):
            words[0] += f" {'from' if call.name == 'recvmsg' else 'to'} {self._endpoint(call)}"
        if call.name == "recvmsg" and received_flags(call) != "0":
            words.append(received_flags(call))
        return f"{{{', '.join(filter(None, words))}}}"

    def _looked_up(self, call: Call, nothing: str) -> list[str]:
        host, service = _asked_for(call)
        quoted = [f'"{text}"' if text else nothing for text in (host, service)]
        return [quoted[0], "port" if service in self._ports else quoted[1]]

    @cached_property
    def _ports(self) -> set[str]:
        """The ports that a script has chosen, other ones in every run."""
        asked = (_asked_for(call)[1] for call in self._evidence.calls if call.name == "getaddrinfo")
        chosen = (service for service in asked if service.isdigit() and int(service) >= _FIRST_OF_SCRIPTS)
        return {str(self._evidence.port), *chosen} - {"0"}

    def _port(self, number: int) -> str:
        """A port in words that are the same in every run; ``""`` if there are none."""
        return "port" if str(number) in self._ports else str(number) if number < _FIRST_OF_SCRIPTS else ""

    # --- what came of it --------------------------------------------------

    def _result(self, call: Call, *, named: bool) -> str:
        if not call.done:
            return "" if call.name == "execve" else " ..."
        if call.name == "fork" and not call.failed:
            return f" = {self._names.child(call.result)}"
        if self._speaks_python:
            return self._python_failure(call) if self._has_failed(call) else self._python_result(call)
        return self._c_failure(call) if self._has_failed(call) else self._c_result(call, named=named)

    def _has_failed(self, call: Call) -> bool:
        return call.failed or (call.name == "getaddrinfo" and call.result != 0)

    def _c_result(self, call: Call, *, named: bool) -> str:
        if named or call.name in ("exit", "freeaddrinfo"):
            return ""
        if call.name in ("waitpid", "posix_spawn") and call.result in self._evidence.children:
            return f" = {self._names.child(call.result)}"
        if call.name == "posix_spawn":
            return " = 0"
        return f" = {call.result:#o}".replace("0o", "0") if call.name == "umask" else f" = {call.result}"

    def _c_failure(self, call: Call) -> str:
        if call.name == "getaddrinfo":
            return f" = {_resolver_error(call)}"
        if call.name == "if_nametoindex":
            return f" = 0 {call.errno}"
        # those of threads return the error itself
        return f" = {'' if call.name.startswith('pthread_') else '-1 '}{call.errno}".rstrip()

    def _python_result(self, call: Call) -> str:
        spelled = self._source.spelled(call).rpartition(".")[2]
        if call.name in _RECEIVES and not spelled.endswith("_into"):
            return f" = {self._received(call)}"
        if call.name == "getsockopt" and option_words(call):
            return f" = {option_words(call)}"
        if call.name == "umask":
            return f" = {call.result:#o}"
        if call.name in _WAITS:
            return f" = {counted(call.result, 'event')}" if call.result else " = []"
        shown = (call.name in _SENDS and call.name != "sendall") or call.name in _RECEIVES
        return f" = {call.result}" if shown else " = 0" if spelled == "connect_ex" else ""

    def _received(self, call: Call) -> str:
        """What a receiving call of Python's returned."""
        data = self._data(call, call.result) or counted(call.result)
        if call.name == "recvfrom":
            return f"({data}, {self._endpoint(call) or None})"
        if call.name == "recvmsg":
            return f"({data}, [{control_words(call)}], {received_flags(call)}, {self._endpoint(call) or None})"
        return data

    def _python_failure(self, call: Call) -> str:
        if self._source.spelled(call).endswith("connect_ex"):
            return f" = {call.errno}"
        kind = type(OSError(call.error, "")).__name__ if call.error else "an exception"
        if call.name == "pthread_create":
            kind = "RuntimeError"
        elif call.name == "getaddrinfo":
            kind = f"gaierror: {_resolver_error(call)}"
        elif call.errno == "EAGAIN" and self._names.has_time_limit(call):
            kind = "TimeoutError"
        elif kind not in _EXACT and call.error:
            kind = f"{kind}: {call.errno}"
        return f" raises {kind}"

    def _data(self, call: Call, length: int) -> str:
        """The bytes that a call moved, if there are any and they can be shown."""
        data = call.payload
        hidden = self._evidence.bulk or self._evidence.has_choices
        if hidden or (not data and not self._speaks_python) or call.failed or not call.done:
            return ""
        quoted = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data)
        if not quoted and len(data) > _BYTES:
            return ""
        if not self._speaks_python and not quoted:
            return data.hex(" ")
        text = ascii(data[:_TEXT].decode("latin-1"))[1:-1].replace("\\'", "'").replace('"', '\\"')
        prefix = "b" if self._speaks_python else ""
        return f'{prefix}"{text}"{"..." if length > len(data[:_TEXT]) else ""}'  # as strace(1) has it


def _resolver_error(call: Call) -> str:
    """What getaddrinfo() said, by name; of EAI_SYSTEM the errno that it left."""
    return call.errno or eai_name(call.result)


def _asked_for(call: Call) -> tuple[str, str]:
    """The host and the service of a getaddrinfo()."""
    host, _, service = call.payload.decode(errors="replace").partition("\0")
    return host, service


def _socket_words(call: Call) -> list[str]:
    """The arguments of socket(2): family, type with its flags, protocol."""
    family, kind, protocol = call.args[:3]
    flags = [name for name in ("SOCK_CLOEXEC", "SOCK_NONBLOCK") if kind & getattr(socket, name)]
    kind &= ~(socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    return [
        _constant(socket.AddressFamily, family),
        " | ".join([_constant(socket.SocketKind, kind), *flags]),
        str(protocol),
    ]


def _constant(names: type[socket.AddressFamily] | type[socket.SocketKind], value: int) -> str:
    """The name of a constant of <sys/socket.h>; a number that has none."""
    try:
        return names(value).name
    except ValueError:
        return str(value)
