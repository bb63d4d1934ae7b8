/* SPDX-License-Identifier: MIT */
/*
 * subprocess_exec and subprocess_shell, and what can be asked of the
 * transports that they make.
 *
 * Python counterpart: loop.subprocess_exec and SubprocessTransport.
 */
#include <signal.h>
#include <stdio.h>

#include "io/connect.h"
#include "io/process.h"

static int
start(asyncio_loop_t *loop, asyncio_protocol_factory_t factory,
      const struct aio__spawn *spawn,
      asyncio_subprocess_transport_t **ret_transport,
      asyncio_protocol_t **ret_protocol)
{
    asyncio_protocol_t *protocol = NULL;
    struct aio__subprocess *self;
    int r;

    r = factory(aio__option(spawn->options, arg, NULL), &protocol);
    if (r >= 0 && protocol == NULL)
        r = UV_EINVAL;
    if (r >= 0)
        r = aio__subprocess_start(loop, protocol, spawn, &self);
    if (r < 0)
        return r;
    if (ret_transport != NULL)
        *ret_transport = &self->base;
    if (ret_protocol != NULL)
        *ret_protocol = protocol;
    return 0;
}

int
asyncio_loop_subprocess_exec(asyncio_loop_t *loop,
                             asyncio_protocol_factory_t protocol_factory,
                             const char *const *args,
                             asyncio_subprocess_transport_t **ret_transport,
                             asyncio_protocol_t **ret_protocol,
                             const asyncio_subprocess_options_t *options)
{
    struct aio__spawn spawn;
    int r;

    r = aio__connect_check(loop, protocol_factory);
    if (r >= 0)
        r = aio__spawn_exec(args, ASYNCIO_SUBPROCESS_PIPE, options, &spawn);
    if (r < 0)
        return r;
    return start(loop, protocol_factory, &spawn, ret_transport, ret_protocol);
}

int
asyncio_loop_subprocess_shell(asyncio_loop_t *loop,
                              asyncio_protocol_factory_t protocol_factory,
                              const char *cmd,
                              asyncio_subprocess_transport_t **ret_transport,
                              asyncio_protocol_t **ret_protocol,
                              const asyncio_subprocess_options_t *options)
{
    struct aio__spawn spawn;
    const char *args[4];
    int r;

    r = aio__connect_check(loop, protocol_factory);
    if (r >= 0)
        r = aio__spawn_shell(cmd, args, ASYNCIO_SUBPROCESS_PIPE, options,
                             &spawn);
    if (r < 0)
        return r;
    return start(loop, protocol_factory, &spawn, ret_transport, ret_protocol);
}

int
asyncio_subprocess_transport_get_pid(
    const asyncio_subprocess_transport_t *transport)
{
    const struct aio__subprocess *self = aio__subprocess_of(transport);

    return self != NULL ? self->pid : UV_ENOTSUP;
}

int
asyncio_subprocess_transport_get_returncode(
    const asyncio_subprocess_transport_t *transport, int *ret_returncode)
{
    const struct aio__subprocess *self = aio__subprocess_of(transport);

    if (self == NULL)
        return UV_ENOTSUP;
    if (!self->exited)
        return 0;
    if (ret_returncode != NULL)
        *ret_returncode = self->returncode;
    return 1;
}

asyncio_transport_t *
asyncio_subprocess_transport_get_pipe_transport(
    const asyncio_subprocess_transport_t *transport, int fd)
{
    const struct aio__subprocess *self = aio__subprocess_of(transport);

    if (self == NULL || fd < 0 || fd > 2)
        return NULL;
    return self->pipes[fd].transport;
}

int
asyncio_subprocess_transport_send_signal(
    asyncio_subprocess_transport_t *transport, int signal)
{
    struct aio__subprocess *self = aio__subprocess_of(transport);
    int r;

    if (self == NULL)
        return UV_ENOTSUP;
    if (transport->loop->forks != aio__forks)
        return ASYNCIO_ERR_FORKED;
    if (self->base.protocol == NULL || self->base.loop->closed)
        return asyncio_raise_at(UV_ESRCH, NULL, 0, "process %d has ended",
                                self->pid);
    if (self->exited) /* its number may be another one's by now */
        return 0;
    r = uv_process_kill(&self->process, signal);
    return r == UV_ESRCH ? 0 : r;
}

int
asyncio_subprocess_transport_terminate(
    asyncio_subprocess_transport_t *transport)
{
    return asyncio_subprocess_transport_send_signal(transport, SIGTERM);
}

int
asyncio_subprocess_transport_kill(asyncio_subprocess_transport_t *transport)
{
    return asyncio_subprocess_transport_send_signal(transport, SIGKILL);
}

void
asyncio_subprocess_transport_close(asyncio_subprocess_transport_t *transport)
{
    asyncio_transport_close(transport);
}

size_t
asyncio_subprocess_transport_repr(
    const asyncio_subprocess_transport_t *transport, char *buffer, size_t size)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    const struct aio__subprocess *self = aio__subprocess_of(transport);
    char pipes[3][48] = {"", "", ""};
    char state[40] = " running";

    if (self == NULL)
        return (size_t) snprintf(buffer, size, "<%s>", transport->type->name);
    if (self->exited)
        snprintf(state, sizeof state, " returncode=%d", self->returncode);
    for (int i = 0; i < 3; i++)
        if (self->pipes[i].transport != NULL)
            snprintf(pipes[i], sizeof pipes[i], " %s=%s", names[i],
                     self->pipes[i].transport->type->name);
    return (size_t) snprintf(buffer, size,
                             "<SubprocessTransport%s pid=%d%s%s%s%s>",
                             self->base.closing ? " closed" : "", self->pid,
                             state, pipes[0], pipes[1], pipes[2]);
}
