/* Greet one client, a byte at a time, as a careful beginner does it. */

#include "tcp_server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_byte(int fd, char byte)
{
    ssize_t sent;

    do {
        sent = send(fd, &byte, 1, MSG_NOSIGNAL);
        if (sent == -1 && errno != EINTR)
            return -1;
    } while (sent != 1);
    return 0;
}

int greet_one(const char *port)
{
    const char *greeting = "Hi client - you have successfully connected!";
    struct addrinfo hints;
    struct addrinfo *results;
    struct addrinfo *r;
    int server_fd = -1;
    int client_fd;
    int reuse = 1;
    int saved;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    switch (getaddrinfo(NULL, port, &hints, &results)) {
    case 0:
        break;
    default:
        errno = EINVAL;
        /* fall through */
    case EAI_SYSTEM:
        return -1;
    }
    saved = EADDRNOTAVAIL;
    for (r = results; r != NULL; r = r->ai_next) {
        server_fd = socket(r->ai_family, r->ai_socktype, r->ai_protocol);
        if (server_fd == -1) {
            saved = errno;
            continue;
        }
        setsockopt(server_fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
        if (bind(server_fd, r->ai_addr, r->ai_addrlen) == 0
            && listen(server_fd, 5) == 0)
            break;
        saved = errno;
        close(server_fd);
        server_fd = -1;
    }
    freeaddrinfo(results);
    if (server_fd == -1) {
        errno = saved;
        return -1;
    }

    client_fd = accept(server_fd, NULL, NULL);
    while (client_fd == -1 && errno == EINTR)
        client_fd = accept(server_fd, NULL, NULL);
    saved = errno;
    close(server_fd);
    if (client_fd == -1) {
        errno = saved;
        return -1;
    }

    for (size_t i = 0; i < strlen(greeting); i++) {
        if (send_byte(client_fd, greeting[i]) == -1) {
            saved = errno;
            close(client_fd);
            errno = saved;
            return -1;
        }
    }
    close(client_fd);
    return 0;
}
