"""What a check can have a peer pass beside bytes: descriptors, and who it is."""

from __future__ import annotations

import os
import struct

from grader.peers.process import PeerError
from grader.stage.broken import Broken
from grader.verbs.acting import Actor
from grader.verbs.lent import Lent, OpenFile
from grader.verdict.evidence import Failure
from grader.verdict.words import counted

_LENT = "lent"


class PassingVerbs(Actor):
    """The verbs of `Peer` for descriptors and credentials."""

    # --- who it is ----------------------------------------------------------

    @property
    def unix_connection(self) -> Lent:
        """A Unix stream connection to this peer, to be lent to the learner's function."""
        return self.unix_connection_of()

    def unix_connection_of(self, user: int | None = None, group: int | None = None) -> Lent:
        """The same to a peer that is another user, by its ids."""
        if self._lent is None:
            self._as(user, group, "pair_locally", name=self._name, other=_LENT)
            self._do("lend", name=_LENT)
            self._lent = Lent(self._player.take_fd())
            self._note("connects, and lends the program its end")
        return self._lent

    @property
    def unconnected_socket(self) -> Lent:
        """A Unix stream socket to be lent, with nobody at the other end."""
        if self._lent is None:
            self._do("make_locally", name=_LENT)
            self._do("lend", name=_LENT)
            self._lent = Lent(self._player.take_fd())
            self._note("lends the program a socket that is not connected")
        return self._lent

    @property
    def full_connection(self) -> Lent:
        """A Unix stream connection with no room for another byte until this peer `makes_room`."""
        if self._lent is None:
            self._filler = self._do("pair_locally", name=self._name, other=_LENT, full=True)["fills"]
            self._do("lend", name=_LENT)
            self._lent = Lent(self._player.take_fd())
            self._note(f"connects, and lends the program its end, with {counted(self._filler)} on the way")
        return self._lent

    def makes_room(self) -> None:
        """Read what fills its `full_connection`."""
        self._do("receive", name=self._name, count=self._filler)
        self._note(f"reads the {counted(self._filler)} that were on the way")

    def credentials(self, user: int | None = None, group: int | None = None) -> list[int]:
        """Process, user and group of this peer, as the kernel knows them.

        Args:
            user, group: those of another user, if it is one.
        """
        own = os.geteuid() if user is None else user, os.getegid() if group is None else group
        return [self._scene.id_there(self._player.pid), *own]

    def _as(self, user: int | None, group: int | None, action: str, **arguments: object) -> dict:
        """An action as another user.

        Where nobody but root may be one, and the judge is not, what the kernel answers
        the program, of who is at the other end of a connection, is overwritten; until
        the next client comes, before which this one is to be known.
        """
        self._scene.poses(b"")
        if user is None and group is None:
            return self._do(action, **arguments)
        try:
            return self._player.do(action, user=user, group=group, **arguments)
        except PeerError as error:
            if error.errno not in ("EPERM", "EINVAL"):
                raise
        self._scene.poses(struct.pack("=iII", *self.credentials(user, group)))
        return self._do(action, **arguments)

    # --- descriptors --------------------------------------------------------

    def passes(self, *files: OpenFile, data: bytes = b"!") -> None:
        """Send bytes in one piece, and these descriptors with them; none, if no file
        is named."""
        fds = tuple(file.own for file in files)
        awaited = f"the program receives {counted(len(data))}"
        self._wait("pass_on", awaited, after_return=True, name=self._name, data=data, count=len(fds), fds=fds)
        self._party.said += data
        self._note(f"sends {counted(len(data))}{_with(len(files))}", sends=len(data), data=data)

    def is_passed(self, *files: OpenFile, size: int = 1) -> bytes:
        """So many bytes arrive, and with them descriptors of these files, as they
        are open, and no others.

        Returns:
            The bytes.

        Raises:
            Broken: others come with them, or fewer bytes arrive.
        """
        awaited = f"{counted(size)} arrive with a descriptor"
        answer = self._wait("be_passed", awaited, after_return=True, name=self._name, size=size)
        fds = [self._player.take_fd() for _ in range(answer["count"])]
        try:
            found = [next((file for file in files if file.is_open_as(os.getpid(), fd)), None) for fd in fds]
        finally:
            for fd in fds:
                os.close(fd)
        data, end = answer["data"], f", then {answer['end']}" if answer["end"] else ""
        self._note(f"receives {counted(len(data))}{_with(len(fds))}{end}", receives=len(data), data=data)
        if len(data) < size:
            sentence = f"{len(data)} of {counted(size)} arrive, then {answer['end'] or 'nothing'}"
            raise Broken(Failure("bytes", sentence))
        if len(fds) != len(files):
            sentence = f"{counted(len(fds), 'descriptor')} arrive with {counted(size)}; expected {len(files)}"
            raise Broken(Failure("descriptors", sentence, read="unix(7), SCM_RIGHTS"))
        if set(map(id, found)) != set(map(id, files)):
            raise Broken(Failure("descriptors", "the descriptor that arrives is of another open file"))
        return data


def _with(count: int) -> str:
    return f" with {counted(count, 'descriptor')}" if count else ""
