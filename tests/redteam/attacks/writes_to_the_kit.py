# aim: put a program of its own into the kit
# expect: pass
# control: reached
try:
    with open("@PROJECT@/grader/learner/kit.py", "a") as file:
        print("REACHED")
except OSError:
    pass
