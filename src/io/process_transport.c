/* SPDX-License-Identifier: MIT */
/*
 * SubprocessTransport: the life of a child, and of its pipes.
 *
 * It has one reference of its own until connection_lost, one for each handle
 * of libuv, and one for each pipe until that drops its protocol, which is here.
 *
 * Invariants: connection_made is the first call, connection_lost the last one,
 * when the child has exited and all pipes are closed. The number of a child is
 * only used while libuv has not reaped it, so a signal never hits a stranger.
 * A loop that closes kills and reaps what still runs.
 *
 * Python counterpart: BaseSubprocessTransport.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/block.h"
#include "io/conn.h"
#include "io/process.h"
#include "loop/report.h"

static asyncio_subprocess_protocol_t *
protocol_of(const struct aio__subprocess *self)
{
    return aio__container_of(self->base.protocol, asyncio_subprocess_protocol_t,
                             base);
}

static bool
in_fork(const struct aio__subprocess *self)
{
    return self->base.loop->forks != aio__forks;
}

static struct aio__subprocess *
self_of(asyncio_transport_t *transport)
{
    return aio__container_of(transport, struct aio__subprocess, base);
}

/* connection_lost when nothing more can happen. */
static void
try_finish(struct aio__subprocess *self)
{
    if (!self->exited || self->finished ||
        self->state == AIO__SUBPROCESS_STARTING)
        return;
    for (int i = 0; i < 3; i++)
        if (self->pipes[i].open)
            return;
    self->finished = true;
    aio__event_post(self->base.loop, &self->lost_event);
}

static struct aio__subprocess_pipe *
pipe_of(asyncio_protocol_t *protocol)
{
    return aio__container_of(protocol, struct aio__subprocess_pipe, protocol);
}

static int
on_pipe_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct aio__subprocess_pipe *pipe = pipe_of(protocol);
    asyncio_subprocess_protocol_t *user = protocol_of(pipe->owner);

    if (pipe->owner->state != AIO__SUBPROCESS_MADE ||
        pipe->owner->base.protocol == NULL || user->pipe_data_received == NULL)
        return 0;
    return user->pipe_data_received(user, pipe->fd, data, size);
}

static int
on_pipe_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct aio__subprocess_pipe *pipe = pipe_of(protocol);
    struct aio__subprocess *self = pipe->owner;
    asyncio_subprocess_protocol_t *user = protocol_of(self);
    int r = 0;

    pipe->open = false;
    if (self->state == AIO__SUBPROCESS_MADE && self->base.protocol != NULL &&
        user->pipe_connection_lost != NULL)
        r = user->pipe_connection_lost(user, pipe->fd, exception);
    try_finish(self);
    return r;
}

static int
on_pipe_pause(asyncio_protocol_t *protocol)
{
    aio__transport_pause_protocol(&pipe_of(protocol)->owner->base);
    return 0;
}

static int
on_pipe_resume(asyncio_protocol_t *protocol)
{
    aio__transport_resume_protocol(&pipe_of(protocol)->owner->base);
    return 0;
}

static void
on_pipe_drop(asyncio_protocol_t *protocol)
{
    asyncio_transport_unref(&pipe_of(protocol)->owner->base);
}

/* One end of a pipe becomes a transport. */
static int
connect_pipe(struct aio__subprocess *self, int fd, int end)
{
    struct aio__subprocess_pipe *pipe = &self->pipes[fd];
    struct aio__conn *conn;
    int r;

    r = aio__conn_new(self->base.loop,
                      fd == 0 ? AIO__CONN_WRITE_PIPE : AIO__CONN_READ_PIPE, end,
                      &pipe->protocol, &conn);
    if (r < 0) {
        close(end);
        return r;
    }
    asyncio_transport_ref(&self->base);
    pipe->transport = asyncio_transport_ref(&conn->base);
    pipe->open = true;
    return 0;
}

static int
connect_pipes(struct aio__subprocess *self, const int ends[3])
{
    int r = 0;

    for (int i = 0; i < 3; i++) {
        if (ends[i] >= 0 && r >= 0)
            r = connect_pipe(self, i, ends[i]);
        else if (ends[i] >= 0)
            close(ends[i]);
    }
    return r;
}

/* Everything but libuv's handle and the pipes. */
static void
let_go(struct aio__subprocess *self)
{
    aio__list_remove(&self->closer.link);
    aio__transport_drop_protocol(&self->base);
    asyncio_transport_unref(&self->base);
}

static void
post_exited(struct aio__subprocess *self)
{
    aio__event_post(self->base.loop, &self->exited_event);
    try_finish(self);
}

void
aio__subprocess_exited(struct aio__subprocess *self, int returncode)
{
    self->exited = true;
    self->returncode = returncode;
    aio__reap_end(self);
    if (aio__unlikely(self->base.loop->debug))
        aio__log(ASYNCIO_LOG_DEBUG, "process %d exited with return code %d",
                 self->pid, self->returncode);
    if (self->state != AIO__SUBPROCESS_STARTING)
        post_exited(self);
}

static void
on_exit(uv_process_t *process, int64_t status, int term_signal)
{
    struct aio__subprocess *self =
        aio__container_of(process, struct aio__subprocess, process);

    aio__subprocess_exited(self,
                           term_signal != 0 ? -term_signal : (int) status);
}

static void
on_made(struct aio__job *job)
{
    struct aio__subprocess *self =
        aio__container_of(job, struct aio__subprocess, made_event.job);

    self->made_event.queued = false;
    self->state = AIO__SUBPROCESS_MADE;
    aio__transport_made(&self->base);
    if (self->starter != NULL)
        aio__wake(self->starter, 0);
    self->starter = NULL;
    if (self->exited) /* so its caller goes on before connection_lost */
        post_exited(self);
}

static void
on_exited(struct aio__job *job)
{
    struct aio__subprocess *self =
        aio__container_of(job, struct aio__subprocess, exited_event.job);
    asyncio_subprocess_protocol_t *user = protocol_of(self);
    asyncio_loop_t *loop = self->base.loop;
    int r;

    self->exited_event.queued = false;
    if (self->state != AIO__SUBPROCESS_MADE || self->base.protocol == NULL ||
        user->process_exited == NULL)
        return;
    loop->context = &self->base.context;
    r = user->process_exited(user);
    if (r < 0)
        aio__callback_failed(loop, r, NULL);
    loop->context = NULL;
}

static void
on_lost(struct aio__job *job)
{
    struct aio__subprocess *self =
        aio__container_of(job, struct aio__subprocess, lost_event.job);
    struct aio__list *link;

    self->lost_event.queued = false;
    self->base.closing = true;
    if (self->state == AIO__SUBPROCESS_MADE)
        aio__transport_lost(&self->base, NULL);
    while ((link = aio__list_pop_front(&self->waiters)) != NULL)
        aio__wake(aio__container_of(link, struct aio__waiter, link), 0);
    let_go(self);
}

/* Nobody will ask for it any more. */
static void
kill_and_reap(struct aio__subprocess *self)
{
    int r = uv_process_kill(&self->process, SIGKILL);

    while (waitpid(self->pid, NULL, r == 0 ? 0 : WNOHANG) < 0 && errno == EINTR)
        ;
}

static void
close_with_loop(struct aio__closer *closer)
{
    struct aio__subprocess *self =
        aio__container_of(closer, struct aio__subprocess, closer);
    asyncio_loop_t *loop = self->base.loop;

    if (!self->base.closing)
        aio__log(ASYNCIO_LOG_WARNING,
                 "unclosed transport SubprocessTransport pid=%d", self->pid);
    aio__event_withdraw(loop, &self->made_event);
    aio__event_withdraw(loop, &self->exited_event);
    aio__event_withdraw(loop, &self->lost_event);
    self->base.closing = true;
    self->finished = true;
    if (!self->exited) {
        kill_and_reap(self);
        aio__reap_end(self);
    }
    let_go(self);
}

static void
subprocess_close(asyncio_transport_t *transport)
{
    struct aio__subprocess *self = self_of(transport);

    if (transport->closing || in_fork(self))
        return;
    transport->closing = true;
    for (int i = 0; i < 3; i++)
        if (self->pipes[i].transport != NULL)
            asyncio_transport_close(self->pipes[i].transport);
    if (self->exited)
        return;
    if (transport->loop->debug)
        aio__log(ASYNCIO_LOG_WARNING, "Close running child process: kill %d",
                 self->pid);
    (void) uv_process_kill(&self->process, SIGKILL);
}

static const void *
subprocess_extra(asyncio_transport_t *transport, const char *name)
{
    return strcmp(name, "subprocess") == 0 ? &self_of(transport)->pid : NULL;
}

static void
subprocess_fini(asyncio_transport_t *transport)
{
    for (int i = 0; i < 3; i++)
        asyncio_transport_unref(self_of(transport)->pipes[i].transport);
}

static const struct aio__transport_type subprocess_type = {
    .name = "SubprocessTransport",
    .size = sizeof(struct aio__subprocess),
    .close = subprocess_close,
    .extra = subprocess_extra,
    .fini = subprocess_fini,
};

static void
subprocess_init(struct aio__subprocess *self, asyncio_loop_t *loop,
                asyncio_protocol_t *protocol)
{
    aio__transport_init(&self->base, &subprocess_type, loop, protocol);
    self->pid = self->returncode = 0;
    self->pidfd = -1;
    self->state = AIO__SUBPROCESS_STARTING;
    self->exited = self->finished = false;
    for (int i = 0; i < 3; i++)
        self->pipes[i] = (struct aio__subprocess_pipe){
            .protocol = {.data_received = on_pipe_data,
                         .connection_lost = on_pipe_lost,
                         .pause_writing = on_pipe_pause,
                         .resume_writing = on_pipe_resume,
                         .drop = on_pipe_drop},
            .owner = self,
            .fd = i};
    self->starter = NULL;
    aio__list_init(&self->waiters);
    aio__event_init(&self->made_event, on_made);
    aio__event_init(&self->exited_event, on_exited);
    aio__event_init(&self->lost_event, on_lost);
    aio__list_init(&self->closer.link);
    self->closer.close = close_with_loop;
}

/* libuv has the handle, and must give it back, also when it failed. */
static int
spawn_child(struct aio__subprocess *self, const struct aio__spawn *spawn,
            int ret_ends[3])
{
    asyncio_loop_t *loop = self->base.loop;
    bool begun = false;
    int r;

    r = aio__spawn(loop, spawn, &self->process, on_exit, &begun, ret_ends);
    if (begun)
        aio__reap_own(self);
    if (begun && r < 0)
        aio__reap_end(self);
    if (r < 0)
        return r;
    self->pid = self->process.pid;
    aio__reap_begin(self);
    aio__list_push_back(&loop->closers, &self->closer.link);
    if (aio__unlikely(loop->debug))
        aio__log(ASYNCIO_LOG_DEBUG, "process '%s' created: pid %d", spawn->file,
                 self->pid);
    return 0;
}

static int
wait_made(struct aio__subprocess *self)
{
    struct aio__waiter waiter;
    int r;

    aio__waiter_init(&waiter, self->base.loop, NULL);
    self->starter = &waiter;
    r = aio__wait(&waiter);
    self->starter = NULL;
    return r;
}

int
aio__subprocess_wait(struct aio__subprocess *self)
{
    struct aio__waiter waiter;
    int r;

    if (self->exited)
        return 0;
    aio__waiter_init(&waiter, self->base.loop, NULL);
    aio__list_push_back(&self->waiters, &waiter.link);
    asyncio_transport_ref(&self->base);
    r = aio__wait(&waiter);
    aio__list_remove(&waiter.link);
    asyncio_transport_unref(&self->base);
    return r;
}

int
aio__subprocess_start(asyncio_loop_t *loop, asyncio_protocol_t *protocol,
                      const struct aio__spawn *spawn,
                      struct aio__subprocess **ret_subprocess)
{
    struct aio__subprocess *self = aio__block_alloc(sizeof *self);
    int ends[3] = {-1, -1, -1};
    int r;

    if (self == NULL) {
        if (protocol->drop != NULL)
            protocol->drop(protocol);
        return UV_ENOMEM;
    }
    subprocess_init(self, loop, protocol);
    r = spawn_child(self, spawn, ends);
    if (r < 0) {
        let_go(self);
        return r;
    }
    asyncio_transport_ref(&self->base);
    r = connect_pipes(self, ends);
    if (r >= 0) {
        aio__event_post(loop, &self->made_event);
        r = wait_made(self);
    } else {
        self->state = AIO__SUBPROCESS_FAILED;
    }
    if (r < 0) {
        subprocess_close(&self->base);
        (void) aio__subprocess_wait(self);
    } else {
        *ret_subprocess = self;
    }
    asyncio_transport_unref(&self->base);
    return r;
}

struct aio__subprocess *
aio__subprocess_of(const asyncio_transport_t *transport)
{
    return transport->type == &subprocess_type
               ? self_of((asyncio_transport_t *) (uintptr_t) transport)
               : NULL;
}
