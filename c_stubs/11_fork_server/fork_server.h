/* Listen on port, on every IPv4 address of this machine, and send each client
   back what it sends, in a process of its own, which ends when its client has.
   Goes on until the process is ended.  Returns -1 with errno set where it cannot
   listen, or where accept() fails with EBADF, EINVAL, ENOTSOCK or EFAULT; after
   any other error of accept() it tries again, and a fork() that fails loses that
   client alone.  Signal dispositions may be set for the whole process. */
int serve(const char *port);
