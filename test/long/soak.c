/* SPDX-License-Identifier: MIT */
/*
 *     soak SECONDS CONNECTIONS
 *
 * So many connections at a time, for so long, to two servers in the same loop:
 * one on streams, one on protocols. Each lives for a few exchanges, every one
 * of them compared; then 70 % are closed, 20 % are aborted in the middle of
 * one, and 10 % are cancelled wherever they are. Now and then all of them end
 * and the rest must be exactly what it was before: descriptors, tasks,
 * requests, handles. After the first minute (a third of a shorter run) the
 * resident memory may grow by less than 1 MiB.
 */
#include "measure.h"

#include <asyncio/testing.h>
#include <inttypes.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

enum { MESSAGE_MAX = 8192, EXCHANGES_MAX = 6, STACKS_IDLE = 16 };

static struct {
    int connections;
    double seconds;
    asyncio_server_t *servers[2];
    double round_end;
    uint64_t random;
    int open, peak;
    int64_t whole, aborted, cancelled, exchanges;
} soak = {.random = 88172645463325252};

struct sample {
    double when;
    long rss; /* KiB */
    int fds;
    asyncio_testing_counters_t counters;
};

/* From 0 to below n. */
static uint64_t
random_below(uint64_t n)
{
    soak.random ^= soak.random << 13;
    soak.random ^= soak.random >> 7;
    soak.random ^= soak.random << 17;
    return soak.random % n;
}

static double
now(void)
{
    return asyncio_loop_time(asyncio_get_running_loop());
}

/* The servers. A client that goes away is nothing to speak of. */
static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    asyncio_bytes_t got;
    int r;

    (void) arg;
    do {
        r = asyncio_stream_reader_read_view(reader, 65536, &got);
        if (r >= 0 && got.size > 0)
            r = asyncio_stream_writer_write(writer, got.data, got.size);
        if (r >= 0 && got.size > 0)
            r = asyncio_stream_writer_drain(writer);
    } while (r >= 0 && got.size > 0);
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

/* One connection, from its beginning to its end. */
struct life {
    bool aborts;
};

/* The library copies what it does not send at once. */
static char scratch[MESSAGE_MAX];

/* `size` bytes, all of them `c`. */
static bool
is_all(asyncio_bytes_t bytes, char c)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (((const char *) bytes.data)[i] != c)
            return false;
    return true;
}

static int
exchange(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer)
{
    asyncio_bytes_t got;
    size_t size = 1 + random_below(sizeof scratch);
    char c = (char) random_below(256);

    memset(scratch, c, size);
    int r = asyncio_stream_writer_write(writer, scratch, size);
    if (r >= 0)
        r = asyncio_stream_writer_drain(writer);
    if (r >= 0)
        r = asyncio_stream_reader_readexactly_view(reader, size, &got);
    if (r >= 0 && !is_all(got, c))
        r = ASYNCIO_ERR_VALUE;
    if (r >= 0)
        soak.exchanges++;
    return r;
}

static int
talk(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     bool aborts)
{
    uint64_t exchanges = 1 + random_below(EXCHANGES_MAX);
    int r = 0;

    for (uint64_t i = 0; r >= 0 && i < exchanges; i++) {
        r = exchange(reader, writer);
        if (r >= 0)
            r = asyncio_sleep((double) random_below(1000) / 1000);
    }
    if (r >= 0 && aborts) {
        r = asyncio_stream_writer_write(writer, scratch, sizeof scratch);
        if (r >= 0 && random_below(2) == 0)
            r = asyncio_sleep(0);
        asyncio_transport_abort(asyncio_stream_writer_transport(writer));
    }
    return r;
}

static int
life(void *frame)
{
    struct life *self = frame;
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    int port = asyncio_server_port(soak.servers[random_below(2)]);
    int r = asyncio_open_connection("127.0.0.1", port, &reader, &writer);

    if (r < 0)
        return r;
    if (++soak.open > soak.peak)
        soak.peak = soak.open;
    r = talk(reader, writer, self->aborts);
    asyncio_stream_writer_close(writer);
    if (r >= 0)
        r = asyncio_stream_writer_wait_closed(writer);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    soak.open--;
    return r;
}

/* One connection after the other, until the round is over. */
static int
slot(void *arg)
{
    (void) arg;
    while (now() < soak.round_end) {
        /* Some of those to be cancelled end before that. */
        uint64_t percent = random_below(100);
        bool aborts = percent < 20, cancels = !aborts && percent < 32;
        asyncio_task_t *task =
            asyncio_create_task(asyncio_coro(life, .aborts = aborts));
        if (cancels) {
            must(asyncio_sleep((double) random_below(2000) / 1000));
            asyncio_task_cancel(task);
        }
        int r = asyncio_await(task);
        asyncio_future_unref(task);
        if (r == ASYNCIO_ERR_CANCELLED && cancels) {
            soak.cancelled++;
            continue;
        }
        must(r);
        *(aborts ? &soak.aborted : &soak.whole) += 1;
    }
    return 0;
}

static void
round_of(double seconds)
{
    asyncio_task_t **tasks = calloc((size_t) soak.connections, sizeof *tasks);

    if (tasks == NULL)
        must(UV_ENOMEM);
    soak.round_end = now() + seconds;
    for (int i = 0; i < soak.connections; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(slot));
    must(asyncio_gather(tasks, (size_t) soak.connections));
    asyncio_future_unref_array(tasks, (size_t) soak.connections);
    free(tasks);
}

static bool
is_flat(const struct sample *first, const struct sample *s)
{
    return s->fds == first->fds && s->counters.tasks == first->counters.tasks
        && s->counters.ops == first->counters.ops
        && s->counters.handles == first->counters.handles
        && s->counters.fds == first->counters.fds;
}

/* A loop that keeps few stacks of the many it had: what is resident when all
 * is quiet is then what somebody holds. */
static int
loop_with_few_stacks(asyncio_loop_t **ret_loop)
{
    return asyncio_loop_new(
        &(asyncio_loop_new_options_t){
            .size = sizeof(asyncio_loop_new_options_t),
            .stack_idle_max = STACKS_IDLE},
        ret_loop);
}

/* What there is when all is quiet: the servers may have to close, yet, and
 * stacks and free memory are given back in their own time: some with each wait,
 * a second after their last use. */
static struct sample
sample(double began, const struct sample *first)
{
    int waits = soak.seconds >= 120 ? 60 : 0;
    struct sample s;

    for (int i = 0;; i++) {
#ifdef __GLIBC__
        malloc_trim(0); /* what malloc keeps for itself comes and goes */
#endif
        s = (struct sample){.when = now() - began,
                            .rss = status_kib("self", "VmRSS"),
                            .fds = count_fds(),
                            .counters = asyncio_testing_counters()};
        if (first == NULL || i == 200
            || (i >= waits && is_flat(first, &s)
                && s.counters.stacks <= 2 * STACKS_IDLE))
            break;
        must(asyncio_sleep(0.05));
    }
    printf("%6.1f s: %ld KiB resident, %d fds; %" PRId64 " tasks, %" PRId64
           " ops, %" PRId64 " handles, %" PRId64 " fds, %" PRId64
           " bytes in %" PRId64 " stacks and the rest\n",
           s.when, s.rss, s.fds, s.counters.tasks, s.counters.ops,
           s.counters.handles, s.counters.fds, s.counters.bytes,
           s.counters.stacks);
    fflush(stdout);
    if (first != NULL && !is_flat(first, &s)) {
        puts("not what there was at first");
        exit(EXIT_FAILURE);
    }
    return s;
}

static void
report(const struct sample *warm, const struct sample *last)
{
    long growth = last->rss - warm->rss;
    long limit = soak.seconds >= 120 ? 1024 : 4096;

    printf("%" PRId64 " connections, at most %d at a time: %" PRId64
           " closed, %" PRId64 " aborted, %" PRId64 " cancelled; %" PRId64
           " exchanges\n",
           soak.whole + soak.aborted + soak.cancelled, soak.peak, soak.whole,
           soak.aborted, soak.cancelled, soak.exchanges);
    printf("resident memory grew by %ld KiB from %.0f s to %.0f s\n", growth,
           warm->when, last->when);
    if (growth >= limit && !SANITIZED) {
        printf("that is more than %ld KiB\n", limit);
        exit(EXIT_FAILURE);
    }
}

/* What a loop makes once: its epoll instance, when it first waits for a
 * descriptor. */
static void
warm_up(void)
{
    int fd = eventfd(1, EFD_CLOEXEC);

    must(asyncio_wait_fd(fd, ASYNCIO_READABLE));
    close(fd);
}

static int
run(void *arg)
{
    double began = now(), round = soak.seconds >= 120 ? 20 : soak.seconds / 6;
    double warm_at = soak.seconds >= 120 ? 60 : soak.seconds / 3;
    struct sample first, warm = {0}, last = {0};

    (void) arg;
    must(asyncio_start_server(echo, "127.0.0.1", 0, &soak.servers[0],
                              .backlog = 4096));
    must(asyncio_loop_create_server(asyncio_get_running_loop(), make_echo,
                                    "127.0.0.1", 0, &soak.servers[1],
                                    .backlog = 4096));
    warm_up();
    first = sample(began, NULL);
    do {
        round_of(round);
        last = sample(began, &first);
        if (warm.rss == 0 && last.when >= warm_at)
            warm = last;
    } while (last.when < soak.seconds);
    report(&warm, &last);
    for (int i = 0; i < 2; i++) {
        asyncio_server_close(soak.servers[i]);
        must(asyncio_server_wait_closed(soak.servers[i]));
        asyncio_server_unref(soak.servers[i]);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 3 || (soak.seconds = atof(argv[1])) <= 0
        || (soak.connections = atoi(argv[2])) <= 0) {
        fputs("soak SECONDS CONNECTIONS\n", stderr);
        return EXIT_FAILURE;
    }
    need_fds((rlim_t) soak.connections * 2 + 200);
    must(asyncio_run(asyncio_coro(run), .loop_factory = loop_with_few_stacks));
    return EXIT_SUCCESS;
}
