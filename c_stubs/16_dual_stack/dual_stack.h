/* Listen on port, on every IPv4 and every IPv6 address of this machine, and tell
   each client its address, as inet_ntop() prints it, an IPv4 client's as an IPv4
   address; then close, and serve the next.  Where there is no IPv6, IPv4 alone.
   Goes on until the process is ended.  Returns -1 with errno set where it cannot
   listen, or where accept() fails with EBADF, EINVAL, ENOTSOCK or EFAULT; after
   any other error of accept() it tries again.  SIGPIPE may be ignored. */
int serve(const char *port);
