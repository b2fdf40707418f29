# expect: pass
# gap: none
# cause: A thread receives and puts what it gets into a queue; the caller takes it out with a limit.
# shows: never
import os
import queue
import socket
import threading
import time


def _pump(sock, inbox):
    while True:
        try:
            inbox.put(sock.recv(1 << 16))
        except OSError as error:
            inbox.put(error)
            if error.errno is None or sock.fileno() == -1:
                return
        if getattr(threading.current_thread(), "stop", False):
            return


class _Line:
    """One connected socket with its receiving thread."""

    def __init__(self, info):
        self.sock = socket.socket(info[0], info[1], info[2])
        self.inbox = queue.Queue()
        try:
            self.sock.connect(info[4])
        except OSError:
            self.sock.close()
            raise
        self.thread = threading.Thread(target=_pump, args=(self.sock, self.inbox))
        self.thread.start()

    def close(self):
        self.thread.stop = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        self.sock.close()

    def ask(self, number, question, seconds):
        self.sock.send(number + question)
        end = time.monotonic() + seconds
        while True:
            try:
                item = self.inbox.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            if isinstance(item, OSError):
                raise item
            if item[:2] == number:
                return item[2:]


def query(host, port, question, attempts, seconds):
    if attempts < 1 or seconds < 0:
        raise ValueError("bad limits")
    number = os.urandom(2)
    last = None
    for info in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        try:
            line = _Line(info)
        except OSError as error:
            last = error
            continue
        try:
            for _ in range(attempts):
                answer = line.ask(number, question, seconds)
                if answer is not None:
                    return answer
            last = TimeoutError("nobody answers")
        except OSError as error:
            last = error
        finally:
            line.close()
    raise last
