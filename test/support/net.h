/* SPDX-License-Identifier: MIT */
/* What tests of the network share: a protocol that takes notes, plain sockets
 * on the loopback interface, and names that resolve as the test wants. */
#ifndef TEST_SUPPORT_NET_H
#define TEST_SUPPORT_NET_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#include <asyncio.h>

#include "behaviour.h"

#define LOOP asyncio_get_running_loop()

/* Let the loop go on until something is so; Check's timeout is the limit. */
#define WAIT_FOR(condition)               \
    do {                                  \
        while (!(condition))              \
            assert_r(asyncio_sleep(0), 0); \
    } while (0)

/* Takes notes: m(ade) d(ata) e(of) p(ause) r(esume) l(ost). */
struct peer {
    asyncio_protocol_t protocol;    /* first */
    asyncio_transport_t *transport; /* a reference, once made */
    char calls[64];
    char data[256];
    size_t size;                    /* bytes received, also those not kept */
    bool lost;
    int lost_code;
    int eof_result;
};

/* A protocol factory; its argument is the peer. */
int peer_make(void *arg, asyncio_protocol_t **ret_protocol);

/* Close it, wait for connection_lost, and drop the reference. */
void peer_end(struct peer *peer);

/* A factory of a server: gives the next one of its list to each client. */
struct peers {
    struct peer list[16];
    int count; /* handed out so far */
};
int peers_make(void *arg, asyncio_protocol_t **ret_protocol);
void peers_end(struct peers *peers);

/* The message of the error that was just returned. */
const char *error_text(void);

/* A blocking socket, connected to the loopback. */
int dial(const char *host, int port);

/* A socket bound to an address of the loopback; 0: any port. Non-blocking. */
int bound(int type, const char *host, int port);
int port_of(int fd);

/* A port at that address where connecting neither succeeds nor fails: the
 * queue of the listener is full. */
struct hole {
    int listener, filler, port;
};
struct hole hole_open(const char *host, int port);
void hole_close(struct hole *hole);

/* Answers of getaddrinfo for the name `name`: a list of literals, maybe empty;
 * everything else, and all literals, are the system's business. */
void names_set(const char *name, const char *const *literals, int count);

/* How often the system's getaddrinfo was asked for something that is no
 * literal (those that names_set() answers count, too). */
int names_asked(void);

/* The look-up of `name` hangs until names_release(). */
void names_hold(const char *name);
void names_release(void);
int names_held(void); /* threads that hang there now */

#endif
