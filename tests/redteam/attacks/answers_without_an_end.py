# aim: have the grader wait for 4 GiB
# expect: any
# control: none
import os, stat, struct

for number in range(1000, 1100):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            for body in (b"x",):
                os.write(number, b"\xff\xff\xff\xff" + body)
    except OSError:
        pass
