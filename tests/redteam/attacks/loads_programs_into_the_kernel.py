# aim: use bpf(2), perf_event_open(2) and userfaultfd(2)
# expect: pass
# control: none
import ctypes
system = ctypes.CDLL(None)
room = ctypes.create_string_buffer(128)
for number, arguments in ((321, (0, room, 128)), (298, (room, 0, -1, -1, 0)), (323, (0,))):
    if system.syscall(number, *arguments) != -1:
        print("REACHED", number)
