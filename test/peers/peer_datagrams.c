/* SPDX-License-Identifier: MIT */
/* Both ends of an echo conversation in datagrams: UDP and Unix. */
#include "peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct end {
    asyncio_datagram_protocol_t protocol;
    asyncio_transport_t *transport;
    asyncio_future_t *got;  /* of a client: the datagram it waits for */
    char data[65536];
    size_t size;
};

static struct end server[2]; /* UDP, Unix */
static const char *server_path;

static socklen_t
length_of(const struct sockaddr *addr)
{
    if (addr->sa_family == AF_UNIX)
        return sizeof(struct sockaddr_un);
    return sizeof(struct sockaddr_in);
}

static int
end_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    ((struct end *) self)->transport = transport;
    return 0;
}

static int
echo_datagram(asyncio_datagram_protocol_t *self, const void *data, size_t size,
              const struct sockaddr *addr)
{
    struct end *end = (struct end *) self;

    return asyncio_datagram_transport_sendto(end->transport, data, size, addr,
                                             length_of(addr));
}

static int
keep_datagram(asyncio_datagram_protocol_t *self, const void *data, size_t size,
              const struct sockaddr *addr)
{
    struct end *end = (struct end *) self;

    (void) addr;
    memcpy(end->data, data, size);
    end->size = size;
    return asyncio_future_set_result(end->got, NULL);
}

static int
on_error(asyncio_datagram_protocol_t *self,
         const asyncio_exception_t *exception)
{
    (void) self;
    must(asyncio_exception_code(exception));
    return 0;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

static struct sockaddr_un
unix_address(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    return un;
}

/* Bound to `path`, and connected to `to` unless that is NULL. */
static int
unix_socket(const char *path, const char *to)
{
    struct sockaddr_un here = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *) &here, sizeof here) < 0)
        must(-errno);
    if (to != NULL) {
        struct sockaddr_un there = unix_address(to);
        if (connect(fd, (struct sockaddr *) &there, sizeof there) < 0)
            must(-errno);
    }
    return fd;
}

int
serve_datagrams(const char *path)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int fd = unix_socket(path, NULL);

    for (int i = 0; i < 2; i++)
        server[i].protocol = (asyncio_datagram_protocol_t){
            .base.connection_made = end_made,
            .datagram_received = echo_datagram,
            .error_received = on_error,
        };
    server_path = path;
    must(asyncio_loop_create_datagram_endpoint(loop, give, NULL, NULL,
                                               .arg = &server[0],
                                               .local_addr = {"127.0.0.1", 0}));
    must(asyncio_loop_create_datagram_endpoint(loop, give, NULL, NULL,
                                               .arg = &server[1], .sock = &fd));
    return asyncio_sockaddr_port(
        asyncio_transport_get_extra_info(server[0].transport, "sockname"));
}

void
end_datagrams(void)
{
    for (int i = 0; i < 2; i++)
        if (server[i].transport != NULL)
            asyncio_transport_close(server[i].transport);
    if (server_path != NULL)
        unlink(server_path);
    (void) !asyncio_sleep(0);
}

/* `here` gets what a Unix socket is bound to. */
static void
open_client(struct end *client, struct place place, char here[108])
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    client->protocol = (asyncio_datagram_protocol_t){
        .base.connection_made = end_made,
        .datagram_received = keep_datagram,
        .error_received = on_error,
    };
    if (place.path == NULL) {
        must(asyncio_loop_create_datagram_endpoint(
            loop, give, NULL, NULL, .arg = client,
            .remote_addr = {"127.0.0.1", place.port}));
        return;
    }
    snprintf(here, 108, "%s.client", place.path);
    int fd = unix_socket(here, place.path);
    must(asyncio_loop_create_datagram_endpoint(loop, give, NULL, NULL,
                                               .arg = client, .sock = &fd));
}

/* Datagrams of many sizes, one after the other. */
void
talk_datagrams(struct place place)
{
    static const size_t sizes[] = {1, 2, 100, 1000, 1472, 8000};
    static struct end client;
    char data[8000], here[108] = "";

    open_client(&client, place, here);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            data[k] = (char) (k * 7 + i);
        client.got = asyncio_future_new();
        must(asyncio_datagram_transport_sendto(client.transport, data,
                                               sizes[i], NULL, 0));
        must(asyncio_await(client.got));
        asyncio_future_unref(client.got);
        if (client.size != sizes[i] || memcmp(client.data, data, sizes[i]) != 0)
            must(asyncio_raise(ASYNCIO_ERR_FAILED,
                               "%zu bytes came back as %zu", sizes[i],
                               client.size));
    }
    asyncio_transport_close(client.transport);
    must(asyncio_sleep(0));
    if (place.path != NULL)
        unlink(here);
}
