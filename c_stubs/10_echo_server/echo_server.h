/* Listen on port, on every IPv4 address of this machine, and send each client
   back what it sends, until its end-of-file; then close, and serve the next.
   Goes on until the process is ended.  Returns -1 with errno set where it cannot
   listen, or where accept() fails with EBADF, EINVAL, ENOTSOCK or EFAULT; after
   any other error of accept() it tries again.  SIGPIPE may be ignored. */
int serve(const char *port);
