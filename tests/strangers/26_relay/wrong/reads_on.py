# specimen: 26_relay python wrong
# expect: fail
# gap: unbounded-queue
# cause: it receives on although bytes wait, and appends to them
# shows: when one side does not read
import errno
import os
import select
import signal
import socket
import time


def record(fd, text):
    data = text.encode()
    while data:
        data = data[os.write(fd, data):]


def converse(n, client, target, fd):
    socks = {">": client, "<": target}
    other = {">": "<", "<": ">"}
    pending = {">": b"", "<": b""}
    ended = {">": False, "<": False}
    closed = {">": False, "<": False}

    def reset(side):
        if not ended[side]:
            record(fd, f"{n} {side} reset\n")

    for s in socks.values():
        s.setblocking(False)
    while not all(closed.values()):
        r = [socks[k] for k in socks if not ended[k]]
        w = [socks[other[k]] for k in socks if pending[k]]
        readable, writable, _ = select.select(r, w, [])
        for side, s in socks.items():
            if s in readable:
                try:
                    data = s.recv(30000)
                except BlockingIOError:
                    continue
                except OSError:
                    return reset(side)
                if data:
                    record(fd, f"{n} {side} {len(data)} {data.hex()}\n")
                    pending[side] += data
                else:
                    record(fd, f"{n} {side} eof\n")
                    ended[side] = True
            if s in writable:
                try:
                    done = s.send(pending[other[side]])
                except BlockingIOError:
                    continue
                except OSError:
                    return reset(side)
                pending[other[side]] = pending[other[side]][done:]
        for side in socks:
            if ended[side] and not pending[side] and not closed[side]:
                closed[side] = True
                try:
                    socks[other[side]].shutdown(socket.SHUT_WR)
                except OSError:
                    return reset(other[side])


def child(n, client, where, fd):
    for family, type_, proto, _, address in where:
        try:
            with socket.socket(family, type_, proto) as target:
                target.connect(address)
                return converse(n, client, target, fd)
        except OSError:
            if client.gettimeout() == 0:  # it was connected: the log has failed
                return


def serve(port: str, host: str, service: str, log: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    where = socket.getaddrinfo(host, service, 0, socket.SOCK_STREAM)
    here = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    with socket.socket(here[0][0], here[0][1], here[0][2]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(here[0][4])
        listener.listen(100)
        fd = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
        n = 0
        try:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError as e:
                    if e.errno in {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}:
                        raise
                    time.sleep(0.01)
                    continue
                n += 1
                with client:
                    try:
                        pid = os.fork()
                    except OSError:
                        continue
                    if pid == 0:
                        try:
                            listener.close()
                            child(n, client, where, fd)
                        finally:
                            os._exit(0)
        finally:
            os.close(fd)
