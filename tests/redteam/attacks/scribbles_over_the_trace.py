# aim: make the grader itself fail, and be graded again
# expect: any
# control: none
import ctypes, random

with open("/proc/self/maps") as maps:
    for line in maps:
        if "memfd:" in line and " rw-s " in line:
            first, last = (int(word, 16) for word in line.split()[0].split("-"))
            room = random.Random(13).randbytes(last - first)
            ctypes.memmove(first, room, last - first)
