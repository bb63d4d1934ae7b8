/* SPDX-License-Identifier: MIT */
/*
 *     huge
 *
 * Single writes of more than 2 GiB: what a system call takes at once is less,
 * and less than an int holds. The bytes are one MiB of noise that is mapped
 * again and again, so they cost nothing; a process at the other end compares
 * all that comes.
 */
#include "measure.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define BLOCK ((size_t) 1 << 20)
#define TOTAL (2200 * BLOCK)

static unsigned char noise[BLOCK];

static void
make_noise(void)
{
    uint64_t state = 88172645463325252;

    for (size_t i = 0; i < BLOCK; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise[i] = (unsigned char) state;
    }
}

/* TOTAL bytes that take the memory of one block. */
static void *
endless_noise(void)
{
    int fd = memfd_create("noise", MFD_CLOEXEC);

    if (fd < 0 || write(fd, noise, BLOCK) != (ssize_t) BLOCK)
        must(UV_ENOMEM);
    char *all =
        mmap(NULL, TOTAL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; all != MAP_FAILED && at < TOTAL; at += BLOCK)
        if (mmap(all + at, BLOCK, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0)
            == MAP_FAILED)
            must(UV_ENOMEM);
    close(fd);
    return all != MAP_FAILED ? all : NULL;
}

/* The other end: all of it, and then the end of file. */
static void
compare(int fd)
{
    static unsigned char buffer[BLOCK];
    size_t got = 0;
    ssize_t n;

    while ((n = read(fd, buffer, BLOCK - got % BLOCK)) > 0) {
        if (memcmp(buffer, noise + got % BLOCK, (size_t) n) != 0) {
            printf("wrong near byte %zu\n", got);
            _exit(EXIT_FAILURE);
        }
        got += (size_t) n;
    }
    if (got != TOTAL)
        printf("%zu bytes came of %zu\n", got, TOTAL);
    fflush(stdout);
    _exit(got == TOTAL ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* A socket to a process that compares. */
static int
comparer(pid_t *ret_pid)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        must(UV_EMFILE);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        close(ends[0]);
        compare(ends[1]);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[0];
}

static void
expect_success(pid_t pid, const char *what)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || status != 0) {
        printf("%s: failed\n", what);
        exit(EXIT_FAILURE);
    }
    printf("%s: %zu bytes came as they are\n", what, TOTAL);
    fflush(stdout);
}

static int dropped;

static void
unmap(void *all)
{
    munmap(all, TOTAL);
    dropped++;
}

struct ways {
    int transport, sock; /* sockets */
};

static int
send_both(void *frame)
{
    struct ways *self = frame;
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    void *all = endless_noise();

    must(asyncio_loop_sock_sendall(loop, self->sock, all, TOTAL));
    close(self->sock);
    must(asyncio_open_connection(NULL, ASYNCIO_NO_PORT, &reader, &writer,
                                 .sock = &self->transport));
    must(asyncio_transport_write_owned(asyncio_stream_writer_transport(writer),
                                       all, TOTAL, unmap));
    must(asyncio_stream_writer_drain(writer));
    asyncio_stream_writer_close(writer);
    must(asyncio_stream_writer_wait_closed(writer));
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    return dropped == 1 ? 0 : UV_EINVAL;
}

int
main(void)
{
    struct ways ways;
    pid_t first, second;

    if (SANITIZED_THREAD) {
        puts("skipped: the thread sanitizer looks at each byte by itself");
        return EXIT_SKIPPED;
    }
    make_noise();
    ways.sock = comparer(&first);
    ways.transport = comparer(&second);
    must(asyncio_run(asyncio_coro_at(send_both, &ways)));
    expect_success(first, "one sock_sendall");
    expect_success(second, "one write of a transport");
    return EXIT_SUCCESS;
}
