/* Bind a UDP socket to port, on every IPv4 address of this machine, and answer
   each datagram, of 0 to 65,507 bytes, with one to its sender: the same bytes,
   the ASCII letters upper-cased.  Goes on until the process is ended.  Returns -1
   with errno set where it cannot bind, or where receiving fails with EBADF,
   EINVAL, ENOTSOCK or EFAULT; after any other error it goes on. */
int serve(const char *port);
