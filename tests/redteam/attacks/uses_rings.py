# aim: make system calls that no filter sees (io_uring)
# expect: pass
# control: none
import ctypes
room = ctypes.create_string_buffer(120)
if ctypes.CDLL(None).syscall(425, 4, room) != -1:
    print("REACHED")
