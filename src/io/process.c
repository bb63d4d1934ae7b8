/* SPDX-License-Identifier: MIT */
/*
 * Process: a child with streams.
 *
 * The process is at the same time the protocol of the child's transport, which
 * has a reference until connection_lost; so a child whose process was dropped
 * goes on, and its pipes stay open.
 *
 * communicate() needs no tasks: everything is given to stdin's transport,
 * which closes when it is sent, and while the outputs are read one after the
 * other neither of them is ever paused. Nothing leaves their buffers before the
 * child has ended: whoever is cancelled until then has consumed nothing.
 *
 * Python counterpart: asyncio.subprocess.
 */
#include <signal.h>

#include "base/block.h"
#include "io/process.h"
#include "io/stream.h"

struct asyncio_process {
    asyncio_subprocess_protocol_t protocol;
    asyncio_loop_t *loop; /* its memory is held */
    uint32_t refs;
    bool exited;
    uint8_t open;                      /* outputs that have not ended */
    struct aio__subprocess *transport; /* a reference */
    asyncio_stream_writer_t *writer;   /* NULL: no pipe */
    asyncio_stream_reader_t *readers[2];
    struct aio__stream_protocol *feed; /* who waits for `writer`; or NULL */
};

static struct asyncio_process *
self_of(asyncio_protocol_t *protocol)
{
    return aio__container_of(protocol, struct asyncio_process, protocol.base);
}

static struct asyncio_process *
process_of(asyncio_subprocess_protocol_t *protocol)
{
    return aio__container_of(protocol, struct asyncio_process, protocol);
}

static int
on_connection_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    struct asyncio_process *self = self_of(protocol);

    self->transport = aio__subprocess_of(asyncio_transport_ref(transport));
    for (int i = 0; i < 2; i++) {
        if (self->readers[i] == NULL)
            continue;
        self->open++;
        asyncio_stream_reader_set_transport(
            self->readers[i], self->transport->pipes[1 + i].transport);
    }
    return 0;
}

/* No more can come: stdin may be all that is left. */
static void
close_if_over(struct asyncio_process *self)
{
    if (self->exited && self->open == 0)
        asyncio_transport_close(&self->transport->base);
}

static int
on_pipe_data(asyncio_subprocess_protocol_t *protocol, int fd, const void *data,
             size_t size)
{
    struct asyncio_process *self = process_of(protocol);
    asyncio_stream_reader_t *reader = self->readers[fd - 1];
    int r;

    r = asyncio_stream_reader_feed_data(reader, data, size);
    if (r < 0) { /* no memory: who reads has to know that bytes are missing */
        asyncio_stream_reader_set_exception(reader, r);
        asyncio_transport_close(self->transport->pipes[fd].transport);
    }
    return 0;
}

static int
on_pipe_lost(asyncio_subprocess_protocol_t *protocol, int fd,
             const asyncio_exception_t *exception)
{
    struct asyncio_process *self = process_of(protocol);
    asyncio_exception_t *detail = (asyncio_exception_t *) (uintptr_t) exception;

    if (fd == 0)
        return self->feed->protocol.connection_lost(&self->feed->protocol,
                                                    exception);
    if (detail == NULL)
        asyncio_stream_reader_feed_eof(self->readers[fd - 1]);
    else
        aio__reader_fail(self->readers[fd - 1], asyncio_exception_code(detail),
                         aio__exception_ref(detail));
    self->open--;
    close_if_over(self);
    return 0;
}

static int
on_process_exited(asyncio_subprocess_protocol_t *protocol)
{
    struct asyncio_process *self = process_of(protocol);

    self->exited = true;
    close_if_over(self);
    return 0;
}

static int
on_pause_writing(asyncio_protocol_t *protocol)
{
    asyncio_protocol_t *feed = &self_of(protocol)->feed->protocol;

    return feed->pause_writing(feed);
}

static int
on_resume_writing(asyncio_protocol_t *protocol)
{
    asyncio_protocol_t *feed = &self_of(protocol)->feed->protocol;

    return feed->resume_writing(feed);
}

static void
on_drop(asyncio_protocol_t *protocol)
{
    asyncio_process_unref(self_of(protocol));
}

asyncio_process_t *
asyncio_process_ref(asyncio_process_t *process)
{
    if (process != NULL)
        process->refs++;
    return process;
}

asyncio_process_t *
asyncio_process_unref(asyncio_process_t *process)
{
    if (process == NULL || --process->refs > 0)
        return NULL;
    asyncio_stream_writer_unref(process->writer);
    asyncio_stream_reader_unref(process->readers[0]);
    asyncio_stream_reader_unref(process->readers[1]);
    if (process->feed != NULL)
        aio__stream_protocol_unref(process->feed);
    if (process->transport != NULL)
        asyncio_transport_unref(&process->transport->base);
    aio__loop_release(process->loop);
    aio__block_free(process, sizeof *process);
    return NULL;
}

static int
process_new(asyncio_loop_t *loop, const struct aio__spawn *spawn,
            asyncio_process_t **ret_process)
{
    size_t limit = aio__option(spawn->options, limit, 0);
    asyncio_process_t *self;
    int r;

    r = aio__reader_check(limit);
    if (r < 0)
        return r;
    self = aio__block_alloc(sizeof *self);
    if (self == NULL)
        return UV_ENOMEM;
    *self = (asyncio_process_t){
        .protocol = {.base = {.connection_made = on_connection_made,
                              .pause_writing = on_pause_writing,
                              .resume_writing = on_resume_writing,
                              .drop = on_drop},
                     .pipe_data_received = on_pipe_data,
                     .pipe_connection_lost = on_pipe_lost,
                     .process_exited = on_process_exited},
        .loop = loop,
        .refs = 1};
    aio__loop_hold(loop);
    for (int i = 0; r >= 0 && i < 2; i++)
        if (spawn->stdio[1 + i] == ASYNCIO_SUBPROCESS_PIPE)
            r = aio__reader_new(loop, limit, &self->readers[i]);
    if (r >= 0 && spawn->stdio[0] == ASYNCIO_SUBPROCESS_PIPE)
        r = aio__stream_protocol_new(loop, NULL, NULL, &self->feed);
    if (r < 0)
        asyncio_process_unref(self);
    else
        *ret_process = self;
    return r;
}

static int
give_writer(asyncio_process_t *self)
{
    int r;

    if (self->feed == NULL)
        return 0;
    r = asyncio_stream_writer_new(self->transport->pipes[0].transport,
                                  &self->feed->protocol, NULL, &self->writer);
    if (r < 0) {
        asyncio_transport_close(&self->transport->base);
        (void) aio__subprocess_wait(self->transport);
    }
    return r;
}

static int
create(asyncio_loop_t *loop, const struct aio__spawn *spawn,
       asyncio_process_t **ret_process)
{
    struct aio__subprocess *transport;
    asyncio_process_t *self;
    int r;

    r = process_new(loop, spawn, &self);
    if (r < 0)
        return r;
    self->refs++; /* the transport's */
    r = aio__subprocess_start(loop, &self->protocol.base, spawn, &transport);
    if (r >= 0)
        r = give_writer(self);
    if (r < 0)
        asyncio_process_unref(self);
    else
        *ret_process = self;
    return r;
}

int
asyncio_create_subprocess_exec(const char *const *args,
                               asyncio_process_t **ret_process,
                               const asyncio_subprocess_options_t *options)
{
    struct aio__spawn spawn;
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r >= 0)
        r = aio__spawn_exec(args, ASYNCIO_SUBPROCESS_INHERIT, options, &spawn);
    return r < 0 ? r : create(loop, &spawn, ret_process);
}

int
asyncio_create_subprocess_shell(const char *cmd,
                                asyncio_process_t **ret_process,
                                const asyncio_subprocess_options_t *options)
{
    struct aio__spawn spawn;
    const char *args[4];
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r >= 0)
        r = aio__spawn_shell(cmd, args, ASYNCIO_SUBPROCESS_INHERIT, options,
                             &spawn);
    return r < 0 ? r : create(loop, &spawn, ret_process);
}

static int
check_loop(const asyncio_process_t *process)
{
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r >= 0 && loop != process->loop)
        r = asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                             "the process is attached to a different loop");
    return r;
}

int
asyncio_process_wait(asyncio_process_t *process, int *ret_returncode)
{
    struct aio__subprocess *transport = process->transport;
    int r;

    r = check_loop(process);
    if (r < 0)
        return r;
    asyncio_transport_ref(&transport->base);
    r = aio__subprocess_wait(transport);
    if (r >= 0 && ret_returncode != NULL)
        *ret_returncode = transport->returncode;
    asyncio_transport_unref(&transport->base);
    return r;
}

/* Never pause this one; or as it was. */
static void
set_limit(asyncio_stream_reader_t *reader, size_t limit)
{
    reader->limit = limit;
    aio__reader_skip(reader, 0);
}

static int
wait_both(asyncio_process_t *process)
{
    asyncio_stream_reader_t **readers = process->readers;
    size_t limits[2] = {0, 0};
    int r = 0;

    for (int i = 0; i < 2; i++) {
        if (readers[i] == NULL)
            continue;
        limits[i] = readers[i]->limit;
        set_limit(readers[i], SIZE_MAX / 4);
    }
    for (int i = 0; r >= 0 && i < 2; i++)
        if (readers[i] != NULL)
            r = aio__reader_wait_eof(readers[i]);
    for (int i = 0; i < 2; i++)
        if (readers[i] != NULL)
            set_limit(readers[i], limits[i]);
    return r;
}

/* Both or none. */
static int
take_both(asyncio_process_t *process, asyncio_bytes_t views[2])
{
    asyncio_stream_reader_t **readers = process->readers;
    int r = 0;

    for (int i = 0; r >= 0 && i < 2; i++)
        if (readers[i] != NULL)
            r = aio__reader_begin(readers[i]);
    for (int i = 0; r >= 0 && i < 2; i++)
        if (readers[i] != NULL)
            aio__reader_take(readers[i], aio__reader_size(readers[i]),
                             &views[i]);
    return r;
}

static int
communicate(asyncio_process_t *process, const void *input, size_t size,
            asyncio_bytes_t views[2])
{
    int r = 0;

    if (process->writer != NULL) {
        if (size > 0)
            r = asyncio_stream_writer_write(process->writer, input, size);
        if (r < 0)
            return r;
        asyncio_stream_writer_close(process->writer);
    }
    r = wait_both(process);
    if (r >= 0)
        r = asyncio_process_wait(process, NULL);
    return r < 0 ? r : take_both(process, views);
}

int
asyncio_process_communicate(asyncio_process_t *process, const void *input,
                            size_t size, asyncio_bytes_t *ret_stdout,
                            asyncio_bytes_t *ret_stderr)
{
    asyncio_bytes_t views[2] = {{NULL, 0}, {NULL, 0}};
    int r;

    r = check_loop(process);
    if (r < 0)
        return r;
    process->refs++;
    r = communicate(process, input, size, views);
    asyncio_process_unref(process);
    if (r < 0)
        return r;
    if (ret_stdout != NULL)
        *ret_stdout = views[0];
    if (ret_stderr != NULL)
        *ret_stderr = views[1];
    return 0;
}

int
asyncio_process_send_signal(asyncio_process_t *process, int signal)
{
    return asyncio_subprocess_transport_send_signal(&process->transport->base,
                                                    signal);
}

int
asyncio_process_terminate(asyncio_process_t *process)
{
    return asyncio_process_send_signal(process, SIGTERM);
}

int
asyncio_process_kill(asyncio_process_t *process)
{
    return asyncio_process_send_signal(process, SIGKILL);
}

asyncio_stream_writer_t *
asyncio_process_stdin(const asyncio_process_t *process)
{
    return process->writer;
}

asyncio_stream_reader_t *
asyncio_process_stdout(const asyncio_process_t *process)
{
    return process->readers[0];
}

asyncio_stream_reader_t *
asyncio_process_stderr(const asyncio_process_t *process)
{
    return process->readers[1];
}

int
asyncio_process_pid(const asyncio_process_t *process)
{
    return process->transport->pid;
}

bool
asyncio_process_returncode(const asyncio_process_t *process,
                           int *ret_returncode)
{
    return asyncio_subprocess_transport_get_returncode(
               &process->transport->base, ret_returncode) == 1;
}

asyncio_subprocess_transport_t *
asyncio_process_transport(const asyncio_process_t *process)
{
    return &process->transport->base;
}
