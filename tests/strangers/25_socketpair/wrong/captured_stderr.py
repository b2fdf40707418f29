# expect: fail
# gap: other
# cause: Standard error is captured in a pipe for the exception's message, so the program's warnings no longer reach the caller's standard error (and more than a pipe full of them blocks it).
# shows: with any program that writes to standard error
# says: the program is started with a pipe as its standard error, not its caller's
import select
import socket
import subprocess


def _send_some(sock, view):
    try:
        return view[sock.send(view, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL):]
    except BlockingIOError:
        return view


def _converse(sock, data):
    view = memoryview(data)
    out = []
    want_in = want_out = True
    p = select.poll()
    p.register(sock, 0)
    while want_in or want_out:
        p.modify(sock, want_in * select.POLLIN | want_out * select.POLLOUT)
        p.poll()
        if want_out:
            try:
                if view.nbytes:
                    view = _send_some(sock, view)
                if not view.nbytes:
                    sock.shutdown(socket.SHUT_WR)
                    want_out = False
            except (BrokenPipeError, ConnectionResetError):
                want_out = False
        if want_in:
            try:
                chunk = sock.recv(50000, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                chunk = b""
            want_in = len(chunk) > 0
            out.append(chunk)
    return b"".join(out)


def run_filter(argv, data):
    if not argv:
        raise ValueError("empty command")
    sock, childs = socket.socketpair()
    try:
        proc = subprocess.Popen(argv, stdin=childs, stdout=childs, stderr=subprocess.PIPE)
    except BaseException:
        sock.close()
        raise
    finally:
        childs.close()
    try:
        reply = _converse(sock, data)
        complaint = proc.stderr.read()
        proc.wait()
    except BaseException:
        proc.kill()
        proc.wait()
        raise
    finally:
        proc.stderr.close()
        sock.close()
    if proc.returncode != 0:
        raise subprocess.CalledProcessError(proc.returncode, argv, reply, complaint)
    return reply
