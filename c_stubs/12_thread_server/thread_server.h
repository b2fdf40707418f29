/* Listen on port, on every IPv4 address of this machine, and answer each line of
   each client, in a thread of its own, with the number of lines that have been
   served to everyone so far, in decimal and with a newline.  Goes on until the
   process is ended.  Returns -1 with errno set where it cannot listen, or where
   accept() fails with EBADF, EINVAL, ENOTSOCK or EFAULT; after any other error of
   accept() it tries again, and a thread that cannot be had loses that client
   alone.  SIGPIPE may be ignored. */
int serve(const char *port);
