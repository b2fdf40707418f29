# expect: fail
# gap: other
# cause: BlockingIOError is taken for "buffer full, wait for room" and the send is tried again, but on a blocking socket it means that the send time-out which the caller set (SO_SNDTIMEO) is over and has to be reported.
# shows: when the caller has set SO_SNDTIMEO and the peer does not read: send_all waits for ever instead of raising BlockingIOError.
# says: send() raised BlockingIOError, the end of the caller's time limit, and was called over and over
import select
import socket


def _wait_for_room(sock: socket.socket) -> None:
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    poller.poll()


def send_all(sock: socket.socket, data: bytes) -> None:
    rest = memoryview(data)
    while len(rest) > 0:
        try:
            count = sock.send(rest)
        except BlockingIOError:
            _wait_for_room(sock)
        else:
            rest = rest[count:]
