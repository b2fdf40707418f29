# expect: fail
# gap: one-recv
# cause: A chunk shorter than was asked for is taken for the last one; TCP hands over whatever has arrived so far, and only an empty chunk is the end.
# shows: The server writes its reply in two pieces with a moment between them.
import socket

BUFFER = 4096


def receive_everything(sock):
    data = b""
    while True:
        part = sock.recv(BUFFER)
        data += part
        if len(part) < BUFFER:
            # either 0 or end of data
            break
    return data


def fetch(host: str, port: str) -> bytes:
    try:
        sock = socket.create_connection((host, port))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
    with sock:
        return receive_everything(sock)
