# aim: answer before it is asked: a result for each call to come
# expect: any
# control: none
import os, stat, struct

for number in range(1000, 1100):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            for body in (b'{"ready":true,"child":0}', *[b'{"returned":null,"found":{},"left":{},"decided":null}'] * 8):
                os.write(number, struct.pack("!I", len(body)) + body)
    except OSError:
        pass
