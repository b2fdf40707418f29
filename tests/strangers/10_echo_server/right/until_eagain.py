# expect: pass
# gap: none
# cause: watched edge-triggered, and read until EAGAIN; what could not be sent waits for the next event.
# shows: when more than 1,024 bytes, or bytes and the end-of-file, have come before the server looks.
import errno
import select
import socket
import time

FATAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def _echo(client: socket.socket) -> None:
    client.setblocking(False)
    held, over = b"", False
    with select.epoll() as watch:
        watch.register(client, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        while True:
            for _, events in watch.poll():
                if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                    try:
                        while data := client.recv(1024):
                            held += data
                        over = True
                    except BlockingIOError:
                        pass
                try:
                    while held:
                        held = held[client.send(held):]
                except BlockingIOError:
                    continue
                if over:
                    return


def serve(port: str) -> None:
    info = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    with socket.socket(*info[:3]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen(32)
        while True:
            try:
                client, _ = listener.accept()
            except OSError as error:
                if error.errno in FATAL:
                    raise
                if error.errno != errno.ECONNABORTED:
                    time.sleep(0.05)
                continue
            with client:
                try:
                    _echo(client)
                except OSError:
                    pass
