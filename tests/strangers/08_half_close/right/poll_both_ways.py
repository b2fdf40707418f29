# specimen: 08_half_close python right
# expect: pass
# gap: none
# cause: -
# shows: -
import select
import socket


def _connect(host, port):
    try:
        return socket.create_connection((host, port))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no such name") from None


def ask(host: str, port: str, request: bytes) -> bytes:
    reply = []
    with _connect(host, port) as sock, memoryview(request) as question:
        sock.setblocking(False)
        poll = select.poll()
        poll.register(sock)
        sent = 0
        wanted = select.POLLIN | select.POLLOUT
        while wanted:
            poll.modify(sock, wanted)
            [(_, happened)] = poll.poll()
            trouble = happened & (select.POLLERR | select.POLLHUP)
            if wanted & select.POLLIN and (happened & select.POLLIN or trouble):
                try:
                    piece = sock.recv(1 << 16)
                except BlockingIOError:
                    pass
                else:
                    reply.append(piece)
                    if not piece:
                        wanted &= ~select.POLLIN
            if wanted & select.POLLOUT and (happened & select.POLLOUT or trouble):
                try:
                    if sent < len(question):
                        with question[sent : sent + (1 << 18)] as part:
                            sent += sock.send(part)
                except BlockingIOError:
                    pass
                if sent == len(question):
                    sock.shutdown(socket.SHUT_WR)
                    wanted &= ~select.POLLOUT
    return b"".join(reply)
