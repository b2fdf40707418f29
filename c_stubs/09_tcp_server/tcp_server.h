/* Listen on port, on every IPv4 address of this machine, and send the first
   client the 44 bytes "Hi client - you have successfully connected!".  The
   calls come in this order, others may stand between: getaddrinfo, socket,
   bind, listen, accept, close of the listening socket, send, close.
   Returns 0, or -1 with errno set. */
int greet_one(const char *port);
