/* Listen at path, on a Unix stream socket of mode 0600, and send each client back
   what it sends, until its end-of-file; then close, and serve the next.  The socket
   of a server that is gone is replaced; all else is left alone.  Goes on until the
   process is ended.  Returns -1 with errno set where it cannot listen (EADDRINUSE:
   the path is taken; ENAMETOOLONG: over 107 bytes), or where accept() fails with
   EBADF, EINVAL, ENOTSOCK or EFAULT; the path that it made is removed then, if it is
   still the same file.  SIGPIPE may be ignored. */
int serve(const char *path);
