/* expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <stdlib.h>

static int open_server(const char *port)
{
    struct addrinfo hints, *found;
    int fd, rc, error = 0;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &found);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd == -1) {
        error = errno;
    } else if (bind(fd, found->ai_addr, found->ai_addrlen) == -1) {
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    errno = error;
    return fd;
}

static int is_fatal(void)
{
    return errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT;
}

static int finish(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

static void shout(char *text, ssize_t len)
{
    ssize_t i;

    for (i = 0; i < len; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] -= 32;
}

static unsigned char table[256];

int serve(const char *port)
{
    int fd, i;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (i = 0; i < 256; i++)
        table[i] = (unsigned char)i;
    for (i = 0; letters[i]; i++)
        table[(unsigned char)letters[i]] = (unsigned char)capitals[i];
    if ((fd = open_server(port)) == -1)
        return -1;
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        unsigned char probe, *room;
        ssize_t n = recv(fd, &probe, 1, MSG_PEEK | MSG_TRUNC), k;

        if (n < 0) {
            if (is_fatal())
                return finish(fd);
            continue;
        }
        room = malloc(n + 1);
        if (room == NULL) {
            recv(fd, &probe, 1, 0);     /* lost */
            continue;
        }
        while ((n = recvfrom(fd, room, n, 0, (struct sockaddr *)&from, &len)) < 0 && errno == EINTR)
            len = sizeof from;
        if (n >= 0) {
            for (k = 0; k < n; k++)
                room[k] = table[room[k]];
            while (sendto(fd, room, n, 0, (struct sockaddr *)&from, len) < 0 && errno == EINTR)
                ;
        } else if (is_fatal()) {
            free(room);
            return finish(fd);
        }
        free(room);
    }
}
