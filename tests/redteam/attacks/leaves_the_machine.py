# aim: reach the world: a reverse shell, a leaked check
# expect: pass
# control: reached
import socket
for address in (("192.0.2.1", 80), ("169.254.169.254", 80), ("@OUTSIDE@", @PORT@)):
    with socket.socket() as sock:
        sock.settimeout(0.2)
        try:
            sock.connect(address)
            print("REACHED", address)
        except OSError:
            pass
