# expect: pass
# gap: none
# cause: subprocess.run() for nothing; a thread reads, and the caller sends
# shows: -
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor


def read(sock):
    reply = bytearray()
    buffer = bytearray(1 << 15)
    while True:
        try:
            n = sock.recv_into(buffer)
        except ConnectionResetError:
            n = 0
        if n == 0:
            return bytes(reply)
        reply += buffer[:n]


def run_filter(argv: list[str], data: bytes) -> bytes:
    a, b = socket.socketpair()
    with a, ThreadPoolExecutor(1) as pool:
        with b:
            child = subprocess.Popen(argv, stdin=b.fileno(), stdout=b.fileno(), close_fds=True)
        try:
            future = pool.submit(read, a)
            try:
                a.sendall(data)
                a.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            reply = future.result()
        except BaseException:
            child.kill()
            raise
        finally:
            child.wait()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, argv, reply)
    return reply
