# aim: reach a service of the machine by its abstract name
# expect: pass
# control: reached
import socket
with socket.socket(socket.AF_UNIX) as sock:
    try:
        sock.connect("\0@NAME@")
        print("REACHED")
    except OSError:
        pass
