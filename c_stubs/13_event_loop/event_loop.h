/* Listen on port, on every IPv4 address of this machine, and pass each line of
   a client (up to 4,096 bytes and an LF) on to all others, in one thread, until
   the process is ended.  A longer line ends its client; so does not reading
   while 65,536 bytes wait.  Returns -1 with errno set where it cannot listen, or
   can no longer.  SIGPIPE may be ignored. */
int serve(const char *port);
