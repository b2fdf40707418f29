# expect: pass
# gap: none
# cause: -
# shows: -
import errno
import queue
import socket
import threading


def open_server(port):
    family, kind, protocol, _, address = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    server = socket.socket(family, kind, protocol)
    try:
        server.bind(address)
    except OSError:
        server.close()
        raise
    return server


def writer(server, answers):
    while (item := answers.get()) is not None:
        data, client = item
        try:
            server.sendto(data.upper(), client)
        except OSError:
            pass


def serve(port):
    answers = queue.Queue()
    with open_server(port) as server:
        helper = threading.Thread(target=writer, args=(server, answers), daemon=True)
        helper.start()
        try:
            while True:
                try:
                    answers.put(server.recvfrom(65535))
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
        finally:
            answers.put(None)
            helper.join()
