# expect: fail
# gap: no-half-close
# cause: The sending side is shut down only after a send that finished the data; with empty data there is no such send, and the program never sees the end of its input.
# shows: with empty data and a program that reads to the end, such as cat: it hangs
# says: waits for the reply, and the program for the end of its input: no shutdown() is called
import selectors
import socket
import subprocess

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def _shovel(sock, data):
    view = memoryview(data)
    reply = bytearray()
    with selectors.DefaultSelector() as sel:
        key = sel.register(sock, READ | WRITE if view else READ)
        while sel.get_map():
            wanted = key.events
            for _, mask in sel.select():
                if mask & WRITE:
                    try:
                        n = sock.send(view[:65536], socket.MSG_NOSIGNAL)
                        view = view[n:]
                        if not view:
                            sock.shutdown(socket.SHUT_WR)
                            wanted &= ~WRITE
                    except BlockingIOError:
                        pass
                    except (BrokenPipeError, ConnectionResetError):
                        wanted &= ~WRITE
                if mask & READ:
                    try:
                        chunk = sock.recv(65536)
                        if not chunk:
                            wanted &= ~READ
                        reply += chunk
                    except BlockingIOError:
                        pass
                    except ConnectionResetError:
                        wanted &= ~READ
            if not wanted:
                sel.unregister(sock)
            elif wanted != key.events:
                key = sel.modify(sock, wanted)
    return bytes(reply)


def run_filter(argv, data):
    if len(argv) < 1:
        raise ValueError("argv")
    s, t = socket.socketpair()
    with s:
        s.setblocking(False)
        try:
            child = subprocess.Popen(argv, stdin=t, stdout=t)
        finally:
            t.close()
        try:
            reply = _shovel(s, data)
            child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, argv, output=reply)
    return reply
