"""The decorators of a check, and what its script may tamper with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from grader.stage.arranged import Resolver
from grader.stage.scene import Scene
from grader.trace.faults import Fault

Check = TypeVar("Check", bound=Callable)

#: What accept() fails with where a later attempt may succeed (accept(2), ERRORS).
ACCEPT_AGAIN = (
    "ECONNABORTED", "EPROTO", "ENOBUFS", "ENOMEM", "EMFILE", "ENFILE", "EPERM", "ENETDOWN", "ENOPROTOOPT", "EHOSTDOWN",
    "ENONET", "EHOSTUNREACH", "EOPNOTSUPP", "ENETUNREACH",
)  # fmt: skip


def reveals(*gaps: str) -> Callable[[Check], Check]:
    """Name the gaps of the exercise that this check brings to light."""

    def mark(check: Check) -> Check:
        check.gaps = gaps
        return check

    return mark


def only(language: str, *, because: str) -> Callable[[Check], Check]:
    """Judge only programs in that language.

    Args:
        because: why the other language cannot have the gap.
    """

    def mark(check: Check) -> Check:
        check.language, check.because = language, because
        return check

    return mark


def torture(check: Check) -> Check:
    """Play a script once for each way in which one of its calls can fail.

    The script is that of a good day.  It is played last, when all other checks
    have passed, and may end in success or in an error that is reported; nothing
    may be left behind either way.
    """
    check.torture = True
    return check


class Script:
    """What a check arranges before the program runs."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def fault(self, call: str, *, when: str = "", errors: Iterable[str] = (), **how: Any) -> None:
        """Tamper with a call of the program; see `grader.trace.faults`.

        Args:
            errors: one for each such call in turn, ``""`` for none; `when` has
                no number then.
        """
        numbered = [Fault(call, f"{when} {n}".strip(), error) for n, error in enumerate(errors, 1) if error]
        self._scene.tampers(*(numbered or [Fault(call, when, **how)]))

    def resolves(self, host: str | None, *addresses: str, service: tuple[str, str] = ("", ""), lacks: str = "") -> None:
        """Let getaddrinfo() answer a name with these addresses.

        Args:
            host: the name; None for no name, where addresses to listen on are
                asked for.
            service: a name for a port, and that port; ``"69/udp"`` is the port
                of a service of datagrams alone.
            lacks: the family, ``"IPv6"`` or ``"IPv4"``, of which the machine has no
                address but loopback: AI_ADDRCONFIG leaves all of it out.
        """
        self._scene.arranged.resolver = Resolver(host or "", list(addresses), *service, lacks)
