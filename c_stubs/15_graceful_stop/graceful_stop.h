/* Listen on port, on every IPv4 address of this machine, and send each client
   back what it sends, until its end-of-file; one client at a time.  After
   SIGTERM the current client is served to its end, no other is accepted, and the
   function returns 0, with the old handler and mask restored.  Returns -1 with
   errno set where it cannot listen, or where its listening socket is lost. */
int serve(const char *port);
