/* SPDX-License-Identifier: MIT */
/*
 *     idle CONNECTIONS
 *
 * What an idle connection costs a server: one on streams, one on protocols,
 * each in a process of its own, get so many connections, echo one line over
 * each, and then all of them are silent. The difference of the server's
 * resident memory, divided. The clients are plain sockets in this process; the
 * kernel's own memory for either end is not counted.
 */
#include "measure.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static const char line[64] = "a line that is sent once and comes back, then";

static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    asyncio_bytes_t got;
    int r;

    (void) arg;
    while ((r = asyncio_stream_reader_read_view(reader, 65536, &got)) >= 0
           && got.size > 0) {
        r = asyncio_stream_writer_write(writer, got.data, got.size);
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
        if (r < 0)
            break;
    }
    asyncio_stream_writer_close(writer);
    return 0;
}

struct echo_protocol {
    asyncio_protocol_t base;
    asyncio_transport_t *transport;
};

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    ((struct echo_protocol *) self)->transport = transport;
    return 0;
}

static int
on_data(asyncio_protocol_t *self, const void *data, size_t size)
{
    return asyncio_transport_write(((struct echo_protocol *) self)->transport,
                                   data, size);
}

static void
on_drop(asyncio_protocol_t *self)
{
    free(self);
}

static int
make_echo(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct echo_protocol *protocol = calloc(1, sizeof *protocol);

    (void) arg;
    if (protocol == NULL)
        return UV_ENOMEM;
    protocol->base = (asyncio_protocol_t){.connection_made = on_made,
                                          .data_received = on_data,
                                          .drop = on_drop};
    *ret_protocol = &protocol->base;
    return 0;
}

struct serve {
    bool streams;
    int out; /* gets the port */
};

static int
serve(void *frame)
{
    struct serve *self = frame;
    asyncio_server_t *server;

    if (self->streams)
        must(asyncio_start_server(echo, "127.0.0.1", 0, &server));
    else
        must(asyncio_loop_create_server(asyncio_get_running_loop(), make_echo,
                                        "127.0.0.1", 0, &server));
    int port = asyncio_server_port(server);
    if (write(self->out, &port, sizeof port) != sizeof port)
        must(UV_EPIPE);
    return asyncio_server_serve_forever(server);
}

/* A connection that has echoed its line. */
static int
open_one(int port)
{
    struct sockaddr_in there = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t) port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char back[sizeof line];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0
        || connect(fd, (const struct sockaddr *) &there, sizeof there) < 0
        || send(fd, line, sizeof line, MSG_NOSIGNAL) != sizeof line
        || recv(fd, back, sizeof back, MSG_WAITALL) != sizeof back
        || memcmp(line, back, sizeof line) != 0) {
        perror("a connection");
        exit(EXIT_FAILURE);
    }
    return fd;
}

static void
measure(bool streams, int connections)
{
    int *fds = calloc((size_t) connections, sizeof *fds);
    char process[16];
    int ends[2], port = 0;

    if (fds == NULL || pipe(ends) < 0)
        exit(EXIT_FAILURE);
    pid_t pid = fork();
    if (pid == 0)
        must(asyncio_run(
            asyncio_coro(serve, .streams = streams, .out = ends[1])));
    close(ends[1]);
    if (read(ends[0], &port, sizeof port) != sizeof port)
        exit(EXIT_FAILURE);
    close(ends[0]);
    close(open_one(port)); /* what the first of all allocates */
    snprintf(process, sizeof process, "%d", (int) pid);
    long rss = status_kib(process, "VmRSS");
    long tables = status_kib(process, "VmPTE");
    for (int i = 0; i < connections; i++)
        fds[i] = open_one(port);
    rss = status_kib(process, "VmRSS") - rss;
    tables = status_kib(process, "VmPTE") - tables;
    printf("%d idle connections, %s: %ld bytes each resident, %ld of page "
           "tables\n",
           connections, streams ? "streams" : "protocols",
           rss * 1024 / connections, tables * 1024 / connections);
    fflush(stdout);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    free(fds);
    if (rss * 1024 / connections > 32 * 1024 && !SANITIZED) {
        puts("that is too much");
        exit(EXIT_FAILURE);
    }
}

int
main(int argc, char **argv)
{
    int connections = argc == 2 ? atoi(argv[1]) : 0;

    if (connections <= 0) {
        fputs("idle CONNECTIONS\n", stderr);
        return EXIT_FAILURE;
    }
    need_fds((rlim_t) connections + 100);
    measure(true, connections);
    measure(false, connections);
    return EXIT_SUCCESS;
}
