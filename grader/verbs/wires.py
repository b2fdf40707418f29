"""What a check can have on an interface and its wire: whole frames, in and out."""

from __future__ import annotations

from typing import ClassVar

from grader.peers.process import PeerError
from grader.stage import quiet
from grader.stage.broken import Broken, NotHere
from grader.stage.scene import Scene
from grader.verbs.acting import Actor
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference
from grader.verdict.words import counted

#: The address of the far end itself: no frame goes there, so its kernel takes none.
_NOBODY = bytes.fromhex("020000000aff")


class Interface(Actor):
    """An interface of the program's machine: the loopback interface, or one end of a wire.

    Attributes:
        interface: its name.
    """

    _copies = 2  # of what the machine sends: it goes out, and comes in

    def __init__(self, scene: Scene, interface: str) -> None:
        super().__init__(scene)
        self.interface = interface
        self._name = f"wire {interface}"
        scene.company.has_datagrams = scene.company.has_packets = True
        self._do("attend", name=self._name, near=interface, far=self._far_end)

    @property
    def _far_end(self) -> str:
        """The name of the other end; ``""`` where there is none."""
        return ""

    def sends(self, frame: bytes) -> None:
        """The machine itself sends a frame out through the interface: another program of
        its, which has made it.  On loopback it comes in again."""
        self._do("put", near=self.interface, through=self.interface, data=frame)
        words = f"sees the machine send a frame of {counted(len(frame))} through {self.interface}"
        self._note(words, sends=self._copies * len(frame))

    def goes_down(self) -> None:
        """The interface is down from now on."""
        self._do("set_up", interface=self.interface, up=False)
        self._note(f"sees {self.interface} go down")

    def comes_up(self) -> None:
        """It is up again."""
        self._do("set_up", interface=self.interface, up=True)
        self._note(f"sees {self.interface} come up")


class Wire(Interface):
    """An interface with a wire, and a peer at its other end, who is the whole network.

    Attributes:
        near, far: the Ethernet addresses of the machine, and of whoever is at the other end.
    """

    near: ClassVar[bytes] = bytes.fromhex("020000000a01")
    far: ClassVar[bytes] = bytes.fromhex("020000000a02")
    _copies = 1

    def __init__(self, scene: Scene, interface: str, address: str = "") -> None:
        host = scene.network_host()
        far = f"{interface}-far"
        try:
            host.do("make_wire", near=interface, near_mac=self.near, far=far, far_mac=_NOBODY, address=address)
        except PeerError as error:
            raise NotHere(f"there are no veth interfaces here ({error.errno}); sudo modprobe veth") from None
        super().__init__(scene, interface)
        words = f"of {address.partition('/')[0]}" if address else "without an address"
        self._note(f"is at the other end of {interface}, an interface {words}")

    @property
    def _far_end(self) -> str:
        return f"{self.interface}-far"

    def carries(self, frame: bytes) -> None:
        """A frame comes in from the other end; it has arrived when this returns."""
        self._do("put", near=self.interface, through=self._far_end, data=frame)
        self._note(f"sends a frame of {counted(len(frame))}", sends=len(frame))

    def carries_each(self, *frames: bytes) -> None:
        """The same of several frames, one after the other."""
        for frame in frames:
            self._do("put", near=self.interface, through=self._far_end, data=frame)
        self._note(f"sends {counted(len(frames), 'frame')}", sends=sum(map(len, frames)))

    def takes(self) -> bytes:
        """The next frame that the machine has sent out through the interface."""
        frame = self._wait("take", "a frame comes out", after_return=True, name=self._name)["data"]
        self._note(f"receives a frame of {counted(len(frame))}", receives=max(1, len(frame)))
        return frame

    def takes_nothing(self, *, more: str = "") -> None:
        """The program rests, or has returned, and no frame has come out.

        Args:
            more: slug of the gap that one gives away.

        Raises:
            Broken: one has.
        """
        frame = self._has_come()
        if frame is None:
            return
        self._note(f"receives a frame of {counted(len(frame))}", receives=len(frame))
        sentence = f"a frame of {counted(len(frame))} comes out where none was to come"
        raise Broken(Failure("surplus", sentence, difference=Difference(b"", frame), gap=more))

    def _has_come(self) -> bytes | None:
        """The frame that has come out by the time that the program rests, or has returned."""
        scene, rest = self._scene, quiet.Rest(self._scene)
        scene.wait(lambda: scene.run is None or rest(), "the program rests", after_return=True)
        looked = self._do("look", name=self._name)
        return None if looked["end"] else looked["data"]
