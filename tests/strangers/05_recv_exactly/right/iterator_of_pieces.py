# expect: pass
# gap: none
# cause: -
# shows: -
import socket


class Pieces:
    """Iterates over what one recvmsg_into() after another brings."""

    def __init__(self, sock, count):
        self.sock, self.missing = sock, count
        self.buffers = bytearray(4096), bytearray(61440)

    def __iter__(self):
        return self

    def __next__(self):
        if self.missing == 0:
            raise StopIteration
        small, large = self.buffers
        room = [memoryview(small)[: self.missing], memoryview(large)[: max(self.missing - len(small), 0)]]
        got, _, _, _ = self.sock.recvmsg_into(room)
        if got == 0:
            raise EOFError(f"{self.missing} bytes missing")
        self.missing -= got
        return (bytes(room[0]) + bytes(room[1]))[:got]


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    if count < 0:
        raise ValueError("count")
    return b"".join(Pieces(sock, count)) if count else b""
