/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_PROCESS_H
#define AIO_IO_PROCESS_H

/* Child processes: how they are started, and their transport. */

#include "asyncio/subprocess.h"
#include "io/io.h"
#include "io/transport.h"
#include "loop/fiber.h"

/* What is to be started. */
struct aio__spawn {
    const char *const *args; /* ends with NULL */
    const char *file;        /* the program, for execvp() */
    int stdio[3];            /* ASYNCIO_SUBPROCESS_..., or a descriptor */
    const asyncio_subprocess_options_t *options;
};

/* Start it. `*ret_begun` is set when libuv knows the handle, so that it has to
 * be closed, also when this fails. Our ends of the pipes are non-blocking, -1
 * for no pipe. Raises the detail. */
int aio__spawn(asyncio_loop_t *loop, const struct aio__spawn *spawn,
               uv_process_t *process, uv_exit_cb on_exit, bool *ret_begun,
               int ret_pipes[3]);

struct aio__subprocess;

/* The protocol of one of our ends. */
struct aio__subprocess_pipe {
    asyncio_protocol_t protocol;
    struct aio__subprocess *owner;  /* a reference, until drop */
    asyncio_transport_t *transport; /* a reference; NULL: it is no pipe */
    int fd;                         /* the child's number of it */
    bool open;                      /* its connection_lost has not come */
};

enum aio__subprocess_state {
    AIO__SUBPROCESS_STARTING,
    AIO__SUBPROCESS_MADE,  /* connection_made was called */
    AIO__SUBPROCESS_FAILED /* and will not be */
};

/* SubprocessTransport. */
struct aio__subprocess {
    asyncio_transport_t base;
    int pid;
    int returncode; /* once exited */
    uint8_t state;  /* enum aio__subprocess_state */
    bool exited;
    bool finished; /* connection_lost is or was scheduled */
    struct aio__subprocess_pipe pipes[3];
    struct aio__waiter *starter; /* waits for connection_made; or NULL */
    struct aio__list waiters;    /* for the end */
    struct aio__event made_event;
    struct aio__event exited_event;
    struct aio__event lost_event;
    struct aio__closer closer;
    int pidfd;            /* -1: none */
    uv_poll_t poll;       /* of that; these two have references from */
    uv_process_t process; /* their start on */
};

enum { AIO__RETURNCODE_UNKNOWN = 255 }; /* as Python says it */

/* It has; once. */
void aio__subprocess_exited(struct aio__subprocess *self, int returncode);

/* Of reap.c: libuv has the handle of the process and will give it back; the
 * child runs, look at it; and the end of both. */
void aio__reap_own(struct aio__subprocess *self);
void aio__reap_begin(struct aio__subprocess *self);
void aio__reap_end(struct aio__subprocess *self);

/* In a task: start a child and wait for connection_made; takes the protocol
 * in any case. When this fails the child is gone. */
int aio__subprocess_start(asyncio_loop_t *loop, asyncio_protocol_t *protocol,
                          const struct aio__spawn *spawn,
                          struct aio__subprocess **ret_subprocess);

/* In a task: wait for the end, unless the child is known to have exited. */
int aio__subprocess_wait(struct aio__subprocess *self);

/* A transport that is one, or NULL. */
struct aio__subprocess *
aio__subprocess_of(const asyncio_transport_t *transport);

/* The checks and the defaults of both ways to name a program. `usual`: where
 * descriptors that are left out come from. */
int aio__spawn_exec(const char *const *args, int usual,
                    const asyncio_subprocess_options_t *options,
                    struct aio__spawn *ret_spawn);
int aio__spawn_shell(const char *cmd, const char *args[4], int usual,
                     const asyncio_subprocess_options_t *options,
                     struct aio__spawn *ret_spawn);

#endif
