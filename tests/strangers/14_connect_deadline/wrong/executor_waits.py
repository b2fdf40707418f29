# expect: fail
# gap: other
# cause: The limit is put on the result of a worker thread, but leaving the executor's with block waits for that thread: the time-out is raised only when the blocking connect has given up by itself.
# shows: An address that does not answer: TimeoutError comes after minutes instead of after the limit.
# says: without a time limit
import concurrent.futures
import socket


def _resolve(host, port):
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise socket.gaierror(socket.EAI_NONAME, str(exc)) from None


def _connect(candidates):
    error = None
    for family, kind, proto, _canonical, address in candidates:
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as exc:
            error = exc
            continue
        try:
            sock.setblocking(True)
            sock.connect(address)
            return sock
        except OSError as exc:
            sock.close()
            error = exc
    raise error


def _too_late(future):
    if future.exception() is None:
        future.result().close()


def connect_within(host: str, port: str, seconds: float) -> socket.socket:
    if not seconds >= 0:
        raise ValueError(f"negative limit: {seconds}")
    candidates = _resolve(host, port)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor:
        future = executor.submit(_connect, candidates)
        done, _pending = concurrent.futures.wait([future], timeout=seconds)
        if not done:
            future.add_done_callback(_too_late)
            raise TimeoutError(f"no connection within {seconds} s")
        return future.result()
