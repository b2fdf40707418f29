/* Send the descriptor fd, with one byte, over sock, a connected Unix stream
   socket.  Returns 0, or -1 with errno set: EBADF if fd is not open. */
int send_fd(int sock, int fd);

/* Receive one byte from sock, a connected Unix stream socket, and the descriptor
   that has come with it.  Returns the descriptor, or -1 with errno set: ENODATA
   at end-of-file, ENOMSG if none has come with the byte, EMFILE if there was no
   number free for it. */
int recv_fd(int sock);
