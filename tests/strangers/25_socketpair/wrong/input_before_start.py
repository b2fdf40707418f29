# expect: fail
# gap: other
# cause: The whole input is put into the socket before the program is started, so an input larger than the socket's buffer blocks for ever: nobody is there yet to read it.
# shows: for inputs larger than about 200 KB
# says: sendall() waits for room in the socket, and the program that is to read from it has not been started yet
import socket
import subprocess


def receive(sock):
    received = bytearray()
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            return bytes(received)
        if not data:
            return bytes(received)
        received += data


def run_filter(argv, data):
    if not argv:
        raise ValueError("argv is empty")
    ours, child = socket.socketpair()
    process = None
    try:
        try:
            # everything is ready for the program when it looks
            ours.sendall(data, socket.MSG_NOSIGNAL)
            ours.shutdown(socket.SHUT_WR)
            process = subprocess.Popen(argv, stdin=child, stdout=child)
        finally:
            child.close()
        output = receive(ours)
        code = process.wait()
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        raise
    finally:
        ours.close()
    if code:
        raise subprocess.CalledProcessError(code, argv, output=output)
    return output
