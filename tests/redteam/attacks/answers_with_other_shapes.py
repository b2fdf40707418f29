# aim: make the grader itself fail, and be graded again
# expect: any
# control: none
import os, stat, struct

for number in range(1000, 1100):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            for body in (b"[]", b"5", b'"x"', b'{"ready":[1],"child":"x"}', b'{"raised":7,"found":3,"left":null}'):
                os.write(number, struct.pack("!I", len(body)) + body)
    except OSError:
        pass
