/* expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
/* A UDP server in which two threads wait at the same socket, each with a buffer
   of its own. */

#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct room {
    struct sockaddr_storage client;
    char data[65536];
};

static void in_capitals(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        switch (text[i]) {
        case 'a' ... 'z':
            text[i] = (char)(text[i] - 'a' + 'A');
        }
}

/* Answer until the socket is lost; the errno that said so. */
static int answer(int fd, struct room *room)
{
    for (;;) {
        struct sockaddr *client = (struct sockaddr *)&room->client;
        socklen_t len = sizeof room->client;
        ssize_t n = recvfrom(fd, room->data, sizeof room->data, 0, client, &len);

        if (n >= 0) {
            in_capitals(room->data, (size_t)n);
            while (sendto(fd, room->data, (size_t)n, 0, client, len) < 0 && errno == EINTR)
                ;
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT) {
            return errno;
        }
    }
}

struct helper {
    int fd;
    struct room room;
};

static void *help(void *own)
{
    struct helper *helper = own;

    answer(helper->fd, &helper->room);
    return NULL;
}

int serve(const char *port)
{
    struct addrinfo hints = { 0 }, *list;
    struct helper *helper;
    struct room *room;
    pthread_t thread;
    int fd, helped = 0, rc, error = 0;

    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        errno = rc == EAI_SYSTEM ? errno : EINVAL;
        return -1;
    }
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1 || bind(fd, list->ai_addr, list->ai_addrlen) == -1)
        error = errno;
    freeaddrinfo(list);

    room = malloc(sizeof *room);
    helper = malloc(sizeof *helper);
    if (error == 0 && (room == NULL || helper == NULL))
        error = ENOMEM;
    if (error == 0) {
        helper->fd = fd;
        helped = pthread_create(&thread, NULL, help, helper) == 0;
        error = answer(fd, room);
    }
    if (helped) {               /* it sleeps in recvfrom() */
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    free(helper);
    free(room);
    if (fd != -1)
        close(fd);
    errno = error;
    return -1;
}
