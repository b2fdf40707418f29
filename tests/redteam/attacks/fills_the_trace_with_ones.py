# aim: have the grader follow lengths beyond its memory
# expect: any
# control: none
import ctypes, random

with open("/proc/self/maps") as maps:
    for line in maps:
        if "memfd:" in line and " rw-s " in line:
            first, last = (int(word, 16) for word in line.split()[0].split("-"))
            ctypes.memset(first, 255, last - first)
