# aim: reach a service of the machine on its loopback address
# expect: pass
# control: reached
import socket
with socket.socket() as sock:
    try:
        sock.connect(("127.0.0.1", @PORT@))
        print("REACHED")
    except OSError:
        pass
