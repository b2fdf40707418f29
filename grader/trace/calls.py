"""Which calls are traced: the one table that both languages' tracers, the fault plan,
the torture sweep and the reference of checks read.

The C tracer has it as the header that `layout.c_header` writes; the Python tracer
names its calls by it.  A test holds it against the wrappers that there are.
"""

from __future__ import annotations

from typing import NamedTuple


class Traced(NamedTuple):
    """One call, as records, faults and checks name it.

    Attributes:
        name: as the man pages have it.
        c: the C functions that are this call, separated by spaces.
        python: the same of Python; ``sock.`` is a method of a socket,
            ``file.`` one of a file that a path has opened.
        args: what the numbers of its record are, in their order.
        keeps: what the record holds of memory: ``data`` moved, an ``address``,
            ``control`` messages, an option's ``value``, a ``path``, a ``name``.
    """

    name: str
    c: str
    python: str
    args: str = ""
    keeps: str = ""


#: A record's number is the place of its call in this table, counted from 1.
TABLE = tuple(
    Traced(*row)
    for row in (
        # --- sockets: made, named, connected
        ("socket", "socket", "socket.socket", "domain type protocol"),
        ("socketpair", "socketpair", "socket.socketpair", "domain type protocol", "data"),
        ("bind", "bind", "sock.bind", "length", "address"),
        ("listen", "listen", "sock.listen", "backlog"),
        ("accept", "accept", "sock.accept", "room flags", "address"),
        ("accept4", "accept4", "", "room flags", "address"),
        ("connect", "connect", "sock.connect sock.connect_ex", "length", "address"),
        # --- bytes move
        ("send", "send", "sock.send", "length flags buffer", "data"),
        ("sendto", "sendto", "sock.sendto", "length flags buffer room", "data address"),
        ("sendmsg", "sendmsg sendmmsg", "sock.sendmsg", "length flags none room", "data address control"),
        ("write", "write dprintf", "os.write", "length flags buffer", "data"),
        ("writev", "writev", "os.writev", "length flags", "data"),
        ("sendall", "", "sock.sendall", "length flags", "data"),
        ("sendfile", "sendfile splice", "sock.sendfile os.sendfile", "length flags"),
        ("recv", "recv", "sock.recv sock.recv_into", "length flags buffer", "data"),
        ("recvfrom", "recvfrom", "sock.recvfrom sock.recvfrom_into", "length flags buffer room", "data address"),
        ("recvmsg", "recvmsg recvmmsg", "sock.recvmsg sock.recvmsg_into", "length flags received room",
         "data address control"),
        ("read", "read", "os.read", "length flags buffer", "data"),
        ("readv", "readv", "os.readv", "length flags", "data"),
        # --- the end
        ("close", "close", "sock.close os.close"),
        ("abandon", "", ""),  # Python: an open socket left to the garbage collector
        ("shutdown", "shutdown", "sock.shutdown", "how"),
        # --- options and names
        ("setsockopt", "setsockopt", "sock.setsockopt sock.settimeout sock.setblocking",
         "level option value length", "value"),
        ("getsockopt", "getsockopt", "sock.getsockopt", "level option room", "value"),
        ("getsockname", "getsockname", "sock.getsockname", "room", "address"),
        ("getpeername", "getpeername", "sock.getpeername", "room", "address"),
        ("getaddrinfo", "getaddrinfo", "socket.getaddrinfo", "family type flags list", "name"),
        ("freeaddrinfo", "freeaddrinfo", "", "list"),
        ("gethostbyname", "gethostbyname", "socket.gethostbyname", "", "name"),
        ("if_nametoindex", "if_nametoindex", "socket.if_nametoindex", "", "name"),
        # --- waiting for descriptors
        ("poll", "poll ppoll", "select.poll", "count limit writers", "data"),
        ("select", "select pselect", "select.select", "count limit writers"),
        ("epoll_create", "epoll_create epoll_create1", "", "flags"),
        ("epoll_ctl", "epoll_ctl", "", "operation target events"),
        ("epoll_wait", "epoll_wait epoll_pwait", "select.epoll", "count limit writers"),
        # --- descriptors
        ("pipe", "pipe pipe2", "os.pipe os.pipe2", "flags", "data"),
        ("dup", "dup", "sock.dup os.dup"),
        ("dup2", "dup2 dup3", "os.dup2", "to flags"),
        ("fcntl", "fcntl fcntl64 lockf lockf64", "fcntl.fcntl fcntl.lockf", "command argument"),
        ("flock", "flock", "fcntl.flock", "operation"),
        ("ioctl", "ioctl", "fcntl.ioctl", "request argument"),
        ("fdopen", "fdopen", "os.fdopen"),
        # --- files, by their paths
        ("open", "open open64 openat openat64 creat creat64", "os.open", "flags mode", "path"),
        ("fopen", "fopen fopen64", "builtins.open io.open", "", "path"),
        ("fread", "fread", "file.read", "size count", "data"),
        ("fwrite", "fwrite", "file.write", "size count", "data"),
        ("fclose", "fclose", "file.close"),
        ("mkstemp", "mkstemp mkstemp64 mkostemp", "", "flags", "path"),
        ("mkdir", "mkdir mkdirat mkdtemp", "os.mkdir", "mode", "path"),
        ("rmdir", "rmdir", "os.rmdir", "flags", "path"),
        ("unlink", "unlink unlinkat remove", "os.unlink os.remove", "flags", "path"),
        ("rename", "rename renameat", "os.rename os.replace", "", "path"),
        ("link", "link", "os.link", "", "path"),
        ("symlink", "symlink", "os.symlink", "", "path"),
        ("chmod", "chmod fchmodat", "os.chmod", "mode flags", "path"),
        ("fchmod", "fchmod", "os.fchmod", "mode"),
        ("chown", "chown", "os.chown", "user group", "path"),
        ("umask", "umask", "os.umask", "mask"),
        ("access", "access", "os.access", "mode", "path"),
        ("stat", "stat stat64 fstatat fstatat64", "os.stat", "flags mode device inode", "path"),
        ("lstat", "lstat lstat64", "os.lstat", "flags mode device inode", "path"),
        ("opendir", "opendir fdopendir scandir scandir64", "os.listdir os.scandir", "", "path"),
        ("readlink", "readlink readlinkat", "os.readlink", "room", "path"),
        # --- processes
        ("fork", "fork", "os.fork"),
        ("execve", "execve execv execvp execvpe execl execlp execle fexecve", "os.execve os.execv", "", "path"),
        ("posix_spawn", "posix_spawn posix_spawnp", "os.posix_spawn os.posix_spawnp _posixsubprocess.fork_exec",
         "", "path"),
        ("kill", "kill", "os.kill", "pid signal"),
        ("exit", "exit _exit", "os._exit", "status handlers"),
        ("syscall", "syscall", "", "number"),  # only one that was not made
        # --- waiting for time, signals, children, threads
        ("sleep", "sleep usleep nanosleep clock_nanosleep", "time.sleep", "count limit"),  # also a poll of nothing
        ("pause", "pause sigsuspend", "signal.pause", "count limit"),
        ("sigwait", "sigwait sigwaitinfo sigtimedwait", "signal.sigwait signal.sigwaitinfo signal.sigtimedwait",
         "count limit"),
        ("waitpid", "wait waitpid waitid wait4", "os.wait os.waitpid os.waitid os.wait3 os.wait4", "pid options"),
        ("pthread_create", "pthread_create thrd_create", "_thread.start_new_thread", "thread detached"),
        ("pthread_join", "pthread_join pthread_tryjoin_np thrd_join", "", "thread tries"),
        ("pthread_detach", "pthread_detach thrd_detach", "", "thread"),
        ("thread_start", "", "", "thread"),  # of a new thread, before its function runs
    )
)  # fmt: skip

#: C functions that wait for another thread, recorded on the held clock alone, as sleeps.
TIMED_WAITS = ("pthread_cond_timedwait", "pthread_cond_clockwait", "cnd_timedwait", "sem_timedwait", "sem_clockwait")

#: C functions that leave no record: they read a clock, set a timer, name a stream, end a wait of another thread.
UNRECORDED = (
    "clock_gettime", "gettimeofday", "timespec_get", "time", "alarm", "setitimer", "timerfd_settime", "fileno",
    "pthread_cond_signal", "pthread_cond_broadcast", "cnd_signal", "cnd_broadcast",
)  # fmt: skip

#: Every function that the learner's object is linked to a wrapper of.
WRAPPED = tuple(sorted({*UNRECORDED, *TIMED_WAITS, *(function for call in TABLE for function in call.c.split())}))

NUMBER = {call.name: number for number, call in enumerate(TABLE, 1)}

#: Calls that a fault plan and a check mean together: "send" is whatever puts
#: bytes on a stream, "recv" whatever takes them off.
GROUPS = {
    "send": ("send", "sendto", "sendmsg", "write", "writev", "sendall", "sendfile"),
    "recv": ("recv", "recvfrom", "recvmsg", "read", "readv"),
    "accept": ("accept", "accept4"),
    "wait": ("poll", "select", "epoll_wait"),
}
#: Whatever tells what has come of a connection.
GROUPS["outcome"] = ("connect", "getsockopt", *GROUPS["send"], *GROUPS["recv"])


def mask(name: str) -> int:
    """The calls that a name stands for, a bit each; 0 for one that is no call's nor a group's."""
    return sum(1 << NUMBER[call] for call in GROUPS.get(name, (name,)) if call in NUMBER)
