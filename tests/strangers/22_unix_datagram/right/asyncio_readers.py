# expect: pass
# gap: none
# cause: readers and writers of an asyncio loop, wait_for() around them
# shows: -
import asyncio
import errno
import os
import socket

MOST = 65536


async def exchange(sock, question, seconds):
    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    sent = loop.create_future()

    def send():
        try:
            sock.send(question)
        except BlockingIOError:
            return
        except OSError as e:
            if not answer.done():
                answer.set_exception(e)
        loop.remove_writer(sock)
        if not sent.done():
            sent.set_result(None)

    def receive():
        try:
            data = sock.recv(MOST + 1)
        except BlockingIOError:
            return
        except OSError as e:
            if not answer.done():
                answer.set_exception(e)
            return
        if not answer.done():
            answer.set_result(data)

    loop.add_writer(sock, send)
    loop.add_reader(sock, receive)
    try:
        return await asyncio.wait_for(answer, seconds)
    finally:
        loop.remove_reader(sock)
        loop.remove_writer(sock)


def ask(path, question, seconds):
    if not path or "\0" in path:
        raise ValueError("path")
    if not (seconds >= 0):
        raise ValueError("seconds")
    if len(question) > MOST:
        raise ValueError("question")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect(path)
        sock.bind("")
        if seconds == 0:
            try:
                sock.send(question)
                data = sock.recv(MOST + 1)
            except BlockingIOError:
                raise TimeoutError from None
        else:
            data = asyncio.run(exchange(sock, question, seconds))
    if len(data) > MOST:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return data
