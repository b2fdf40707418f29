# expect: fail
# gap: other
# cause: After a non-blocking connect the socket is taken for connected as soon as select calls it writable, without a look at SO_ERROR; a refused connection is writable as well, so the loop stops at the dead address instead of trying the next one.
# shows: when the first address of a name refuses and a later one would answer (e.g. ::1 closed, 127.0.0.1 listening): fetch raises ConnectionRefusedError from recv.
# says: recv() raised ConnectionRefusedError: the connect() at tcp_client.py:15 had failed; a socket is ready then, too, and SO_ERROR was not read
import errno
import select
import socket


def _start(family, kind, proto, address):
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            _, ready, _ = select.select([], [sock], [])
            if sock not in ready:
                raise OSError(errno.ETIMEDOUT, "connect")
        elif code != 0:
            raise OSError(code, "connect")
        sock.setblocking(True)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect(host, port):
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error))
    last = None
    for family, kind, proto, _, address in infos:
        try:
            return _start(family, kind, proto, address)
        except OSError as error:
            last = error
    try:
        raise last
    finally:
        last = None


def fetch(host: str, port: str) -> bytes:
    sock = _connect(host, port)
    try:
        received = bytearray()
        while True:
            block = sock.recv(65536)
            if not block:
                return bytes(received)
            received += block
    finally:
        sock.close()
