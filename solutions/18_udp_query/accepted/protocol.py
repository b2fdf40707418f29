"""An event loop: a protocol fills a future, and each attempt waits for it once more."""

import asyncio
import os
import socket


class Asking(asyncio.DatagramProtocol):
    def __init__(self, number, answer):
        self.number, self.answer = number, answer

    def datagram_received(self, data, addr):
        if data[:2] == self.number and not self.answer.done():
            self.answer.set_result(data[2:])

    def error_received(self, exc):
        if not self.answer.done():
            self.answer.set_exception(exc)


async def ask(address, number, question, attempts, seconds):
    family, kind, protocol, _, sockaddr = address
    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    sock = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
    try:
        sock.connect(sockaddr)
        transport, _ = await loop.create_datagram_endpoint(lambda: Asking(number, answer), sock=sock)
    except OSError:
        sock.close()
        raise
    try:
        for _ in range(attempts):
            transport.sendto(number + question)
            await asyncio.wait([answer], timeout=seconds)
            if answer.done():
                return answer.result()
        raise TimeoutError(f"no answer from {sockaddr[0]}")
    finally:
        transport.abort()
        await asyncio.sleep(0)


def query(host, port, question, attempts, seconds):
    if attempts < 1 or seconds < 0:
        raise ValueError("attempts and seconds must not be so small")
    number = os.urandom(2)
    failure = None
    for address in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        try:
            return asyncio.run(ask(address, number, question, attempts, seconds))
        except OSError as error:
            failure = error
    raise failure
