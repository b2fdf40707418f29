# expect: fail
# gap: any-sender
# cause: Only the address of a sender is compared, not the port.
# shows: Another program on that machine answers.
import secrets
import selectors
import socket
import time

# Names that the module of Python 3.11 does not have (linux/in.h, linux/in6.h).
IP_RECVERR, IPV6_RECVERR = 11, 25
TELL_ERRORS = {
    socket.AF_INET: (socket.IPPROTO_IP, IP_RECVERR),
    socket.AF_INET6: (socket.IPPROTO_IPV6, IPV6_RECVERR),
}


def query(host, port, question, attempts, seconds):
    if attempts < 1:
        raise ValueError(f"{attempts} attempts")
    if seconds < 0:
        raise ValueError(f"a limit of {seconds} s")
    tag = secrets.token_bytes(2)
    last = None
    for family, kind, protocol, _, server in socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind, protocol) as sock, selectors.DefaultSelector() as selector:
                sock.setsockopt(*TELL_ERRORS[family], 1)
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ)
                for _ in range(attempts):
                    sock.sendto(tag + question, server)
                    answer = listen(selector, sock, server, tag, time.monotonic() + seconds)
                    if answer is not None:
                        return answer
                last = TimeoutError(f"{host} is silent")
        except OSError as error:
            last = error
    raise last


def listen(selector, sock, server, tag, end):
    while (rest := end - time.monotonic()) > 0:
        if not selector.select(rest):
            continue
        try:
            datagram, sender = sock.recvfrom(1 << 16)
        except BlockingIOError:
            continue
        if sender[0] == server[0] and datagram.startswith(tag):
            return datagram[2:]
    return None
