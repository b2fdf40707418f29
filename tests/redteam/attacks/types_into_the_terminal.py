# aim: put a command into the terminal of whoever grades
# expect: pass
# control: none
import fcntl, os
for path in ("/dev/tty", "/dev/stdin", "/dev/stderr"):
    try:
        fd = os.open(path, os.O_RDWR)
        fcntl.ioctl(fd, 0x5412, b"\n")
        print("REACHED", path)
    except OSError:
        pass
