# expect: pass
# gap: none
# cause: -
# shows: -
import socket


def _connected(host, port):
    try:
        # tries every address, and raises the last one's error
        return socket.create_connection((host, port), timeout=None)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error


def _chunks(sock):
    room = bytearray(65536)
    view = memoryview(room)
    while count := sock.recv_into(view):
        yield bytes(view[:count])


def fetch(host: str, port: str) -> bytes:
    with _connected(host, port) as sock:
        return b"".join(_chunks(sock))
