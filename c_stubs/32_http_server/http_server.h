/* Listen on port, on every IPv4 address of this machine, and serve the files under
   the folder root over HTTP/1.1 until the process is ended.  A header may take so
   many milliseconds from its first byte, and a connection be idle for as long.
   Returns -1 with errno set where root is no folder, where it cannot listen, or
   where its listening socket is lost; EINVAL for negative milliseconds. */
int serve(const char *port, const char *root, int milliseconds);
