"""What a check can have a peer be before anything is said: a connection that is
lent, a server, or one that refuses or never answers."""

from __future__ import annotations

from grader.peers.places import Address, is_path
from grader.peers.process import PeerError
from grader.stage.broken import Broken
from grader.verbs.acting import Actor
from grader.verbs.folder import Directory
from grader.verbs.lent import Lent
from grader.verdict.evidence import Failure

#: What a peer's process calls its sockets.
LISTENER = "listener"
_LENT, _LOCK = "lent", "lock"


class HostingVerbs(Actor):
    """The verbs of `Peer` for beginnings."""

    @property
    def connection(self) -> Lent:
        """A TCP connection to this peer, to be lent to the learner's function."""
        if self._lent is None:
            self._do("pair", name=self._name, other=_LENT)
            self._do("lend", name=_LENT)
            self._lent = Lent(self._player.take_fd())
            self._party.since = self._scene.process.trace["next"] if self._scene.process else 0
            self._note("connects, and lends the program its end")
        return self._lent

    @property
    def limited_connection(self) -> Lent:
        """A connection on which the caller has set a time limit of a minute: by
        settimeout() in Python, by SO_RCVTIMEO and SO_SNDTIMEO in C."""
        lent = self.connection
        lent.limit = 60
        return lent

    @property
    def kernel_limited_connection(self) -> Lent:
        """The same by SO_RCVTIMEO and SO_SNDTIMEO in Python, too: the socket has no
        time limit of settimeout(), and raises BlockingIOError."""
        lent = self.connection
        lent.limit_by_options(60)
        return lent

    @property
    def narrow_connection(self) -> Lent:
        """A connection whose buffers hold a few thousand bytes and no more."""
        if self._lent is None:
            self._do("pair", name=self._name, other=_LENT, buffers=4096)
            self._do("lend", name=_LENT)
            self._lent = Lent(self._player.take_fd())
            self._note("connects, with small buffers")
        return self._lent

    @property
    def broken_connection(self) -> Lent:
        """A connection whose next send fails with EPIPE: the peer has reset it,
        and the reset has been noticed."""
        if self._lent is None:
            self._do("pair", name=self._name, other=_LENT)
            self._do("reset", name=self._name)
            self._do("swallow_error", name=_LENT)
            self._do("lend", name=_LENT)
            self._lent = Lent(self._player.take_fd())
            self._note("connects, and resets the connection")
        return self._lent

    def listens(self, address: str = "127.0.0.1", port: str = "0", *, buffers: int = 0) -> str:
        """Listen on an address; returns the port, as text.  Of a path, listen there.

        Args:
            address: of this machine, or a path.
            buffers: bytes of a connection's buffers at this end; 0 leaves them
                to the kernel, which lets them grow.  What a check then sends in
                bulk is cut differently in every run, and no transcript of it
                tells of single pieces.
        """
        self._scene.arranged.bulk = bool(buffers)
        answer = self._do("listen", name=LISTENER, at=_at(address, port), backlog=16, buffers=buffers)
        self._note(f"listens on {address}")
        return self._reached_at(address, answer)

    def holds(self, address: str, port: str = "0") -> str:
        """Occupy a port of an address without listening: it refuses."""
        answer = self._do("hold", name=f"held {address}", at=_at(address, port))
        self._note(f"refuses connections to {address}")
        return self._reached_at(address, answer)

    def is_silent(self, address: str = "127.0.0.1", port: str = "0") -> str:
        """Never answer who connects: listen with a backlog that is full."""
        answer = self._do("crowd", name=f"silent {address}", at=_at(address, port))
        if isinstance(answer["at"], list):
            self._scene.arranged.silent_ports.add(answer["at"][1])
        self._note(f"never answers connections to {address}")
        return self._reached_at(address, answer)

    def _reached_at(self, address: str, answer: dict) -> str:
        """The port that an action has told of; of a path, the path."""
        if isinstance(answer["at"], list):
            return str(answer["at"][1])
        self._puts(address)
        return address

    def begins_to_listen(self, path: str) -> None:
        """Listen on a path that it `holds`."""
        self._do("begin", name=f"held {path}")
        self._note(f"listens at {path}")

    def stops_listening(self) -> None:
        """From now on who connects to it is refused."""
        self._do("close", name=LISTENER)
        self._note("stops listening")

    def locks(self, folder: Directory) -> None:
        """Take the lock of the directory (flock(2)), as a server does that starts.

        Raises:
            Broken: somebody else has it.
        """
        try:
            self._do("lock", name=_LOCK, path=str(folder))
        except PeerError as error:
            if error.errno != "EAGAIN":
                raise
            sentence = "another server cannot start: the directory is still locked"
            raise Broken(Failure("locked", sentence, read="flock(2)")) from None
        self._note("locks the directory")

    def unlocks(self) -> None:
        """Let the lock go."""
        self._do("unlock", name=_LOCK)
        self._note("unlocks the directory")

    def finds_locked(self, folder: Directory, *, otherwise: str = "") -> None:
        """Somebody else has the lock of the directory at this moment.

        Args:
            otherwise: slug of the gap that an open lock gives away.

        Raises:
            Broken: nobody has.
        """
        try:
            self._do("lock", name=_LOCK, path=str(folder), shared=True)
        except PeerError as error:
            if error.errno != "EAGAIN":
                raise
            self._note("finds the directory locked")
            return
        self._do("unlock", name=_LOCK)
        sentence = "another server gets the lock of the directory meanwhile"
        raise Broken(Failure("unlocked", sentence, gap=otherwise, read="flock(2)"))

    def serves(self, port: str, address: str = "0.0.0.0") -> None:
        """Be a live server on that port of every IPv4 address, or of others:
        ``"::"`` is every IPv6 address, and no other."""
        self._do("listen", name=LISTENER, at=_at(address, port), backlog=16)
        self._note("is a server that has the port already")

    def leaves_time_wait(self, port: str, address: str = "127.0.0.1") -> None:
        """Let the port of an address have had a server whose last connection is in
        TIME_WAIT."""
        self._do("time_wait", at=_at(address, port))
        self._scene.arranged.time_wait = True
        self._note("was a server on this port until now (TIME_WAIT)")


def _at(address: str, port: str) -> Address:
    return address if is_path(address) else [address, int(port)]
