/* SPDX-License-Identifier: MIT */
/*
 * start_server: each client is handled by a task of its own.
 *
 * The frame of the task holds the reader and the writer, which are dropped
 * with it. An error that the task ends with is reported and closes the
 * connection; a cancellation only closes it.
 *
 * Python counterpart: the server's side of asyncio.streams.
 */
#include <string.h>

#include "asyncio/tasks.h"
#include "base/alloc.h"
#include "io/stream.h"
#include "task/task.h"

/* The frame of a handler. */
struct handle_client {
    asyncio_client_connected_cb_t callback;
    void *arg;
    asyncio_stream_reader_t *reader; /* a reference */
    asyncio_stream_writer_t *writer; /* a reference */
};

static int
handle_client(void *frame)
{
    struct handle_client *self = frame;

    return self->callback(self->reader, self->writer, self->arg);
}

static void
drop_frame(void *frame)
{
    struct handle_client *self = frame;

    asyncio_stream_writer_unref(self->writer);
    asyncio_stream_reader_unref(self->reader);
}

void
aio__service_unref(struct aio__service *service)
{
    if (--service->refs == 0)
        aio__free(service, sizeof *service);
}

static void
report(struct aio__stream_protocol *protocol, int code,
       const asyncio_exception_t *exception, asyncio_task_t *task)
{
    asyncio_loop_call_exception_handler(
        protocol->loop, &(asyncio_exception_context_t){
                            .size = sizeof(asyncio_exception_context_t),
                            .message = "Unhandled exception in "
                                       "client_connected_cb",
                            .code = code,
                            .exception = exception,
                            .task = task,
                            .transport = protocol->transport,
                            .socket = -1});
}

/* The handler has ended, one pass ago. */
static void
on_ended(struct aio__future_job *job, asyncio_future_t *future)
{
    struct aio__stream_protocol *protocol =
        aio__container_of(job, struct aio__stream_protocol, ended);
    asyncio_task_t *task = protocol->task;
    int code = future != NULL ? future->status : 0;

    protocol->task = NULL;
    if (code < 0 && code != ASYNCIO_ERR_CANCELLED)
        report(protocol, code, asyncio_future_exception(future), future);
    if (code < 0 && protocol->transport != NULL)
        asyncio_transport_close(protocol->transport);
    asyncio_future_unref(task);
    aio__stream_protocol_unref(protocol);
}

static int
start_task(struct aio__stream_protocol *protocol,
           asyncio_stream_writer_t *writer)
{
    struct aio__service *service = protocol->service;
    struct handle_client frame = {.callback = service->callback,
                                  .arg = service->arg,
                                  .reader = protocol->reader,
                                  .writer = writer};
    asyncio_create_task_options_t options = {.size = sizeof options,
                                             .drop = drop_frame,
                                             .stack_size =
                                                 service->stack_size};

    asyncio_stream_reader_ref(protocol->reader);
    protocol->task = asyncio_loop_create_task(
        protocol->loop,
        (asyncio_coro_t){
            .fn = handle_client, .frame = &frame, .size = sizeof frame},
        &options);
    if (asyncio_future_get_loop(protocol->task) == NULL) {
        /* There is no task at all. */
        int r = asyncio_future_result(protocol->task);

        protocol->task = asyncio_future_unref(protocol->task);
        return r;
    }
    protocol->refs++;
    aio__future_job_init(&protocol->ended, on_ended);
    aio__future_subscribe(protocol->task, &protocol->ended.cb);
    return 0;
}

int
aio__service_client(struct aio__stream_protocol *protocol)
{
    struct aio__service *service = protocol->service;
    asyncio_stream_writer_t *writer;
    int r;

    r = asyncio_stream_writer_new(protocol->transport, &protocol->protocol,
                                  protocol->reader, &writer);
    if (r < 0)
        return r;
    if (!service->plain)
        return start_task(protocol, writer);
    protocol->writer = writer;
    return service->callback(protocol->reader, writer, service->arg);
}

static int
make_protocol(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct aio__service *service = arg;
    asyncio_loop_t *loop = asyncio_get_running_loop();
    struct aio__stream_protocol *protocol;
    asyncio_stream_reader_t *reader;
    int r;

    r = aio__reader_new(loop, service->limit, &reader);
    if (r < 0)
        return r;
    r = aio__stream_protocol_new(loop, reader, service, &protocol);
    asyncio_stream_reader_unref(reader);
    if (r >= 0)
        *ret_protocol = &protocol->protocol;
    return r;
}

static void
drop_service(void *arg)
{
    aio__service_unref(arg);
}

typedef int (*serve_fn)(asyncio_loop_t *loop,
                        asyncio_protocol_factory_t factory, const char *where,
                        int port, asyncio_server_t **ret_server,
                        const asyncio_server_options_t *options);

static int
start(serve_fn serve, asyncio_client_connected_cb_t callback,
      const char *where, int port, asyncio_server_t **ret_server,
      const asyncio_server_options_t *options)
{
    asyncio_server_options_t own = {.size = 0};
    struct aio__service *service;
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (callback == NULL)
        return UV_EINVAL;
    if (options != NULL)
        memcpy(&own, options,
               options->size < sizeof own ? options->size : sizeof own);
    own.size = sizeof own;
    r = aio__reader_check(own.limit);
    if (r < 0)
        return r;
    service = aio__alloc(sizeof *service);
    if (service == NULL)
        return UV_ENOMEM;
    *service = (struct aio__service){.refs = 1,
                                     .callback = callback,
                                     .arg = own.arg,
                                     .limit = own.limit,
                                     .stack_size = own.stack_size,
                                     .plain = own.callback};
    own.arg = service;
    own.drop = drop_service;
    return serve(loop, make_protocol, where, port, ret_server, &own);
}

int
asyncio_start_server(asyncio_client_connected_cb_t client_connected_cb,
                     const char *host, int port, asyncio_server_t **ret_server,
                     const asyncio_server_options_t *options)
{
    return start(asyncio_loop_create_server, client_connected_cb, host, port,
                 ret_server, options);
}

static int
serve_unix(asyncio_loop_t *loop, asyncio_protocol_factory_t factory,
           const char *path, int port, asyncio_server_t **ret_server,
           const asyncio_server_options_t *options)
{
    (void) port;
    return asyncio_loop_create_unix_server(loop, factory, path, ret_server,
                                           options);
}

int
asyncio_start_unix_server(asyncio_client_connected_cb_t client_connected_cb,
                          const char *path, asyncio_server_t **ret_server,
                          const asyncio_server_options_t *options)
{
    return start(serve_unix, client_connected_cb, path, 0, ret_server,
                 options);
}
