# aim: leave a file where the kit will look
# expect: pass
# control: reached
import os
for folder in ("@PROJECT@", "@PROJECT@/grader", "@PROJECT@/grader/learner", "@PROJECT@/grader/learner/__pycache__"):
    try:
        os.close(os.open(f"{folder}/conftest.py.canary", os.O_CREAT | os.O_WRONLY))
        os.unlink(f"{folder}/conftest.py.canary")
        print("REACHED", folder)
    except OSError:
        pass
