/* SPDX-License-Identifier: MIT */
/*
 *     peer serve streams|protocols PATH       prints its TCP port
 *     peer connect streams|protocols PLACE [SENT GOT]...
 *     peer serve datagrams PATH               prints its UDP port
 *     peer connect datagrams PLACE
 *
 * A server runs until SIGTERM. At the end everything that the library counts
 * must be gone, or the program fails.
 */
#include "peer.h"

#include <asyncio/testing.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char **arguments; /* after the program's name; ends in NULL */

int
must_at(int r, const char *what, const char *file, int line)
{
    if (r >= 0)
        return r;
    const char *message =
        asyncio_exception_message(asyncio_current_exception());
    fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, what,
            asyncio_err_name(r), message != NULL ? message : "");
    exit(EXIT_FAILURE);
}

static int
on_term(void *arg)
{
    asyncio_event_set(arg);
    return 0;
}

static void
say_port(int port)
{
    printf("%d\n", port);
    fflush(stdout);
}

static int
serve(void *arg)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    const char *kind = arguments[1], *path = arguments[2];
    asyncio_server_t *servers[2] = {NULL, NULL};
    asyncio_event_t done;

    (void) arg;
    asyncio_event_init(&done);
    must(asyncio_loop_add_signal_handler(loop, SIGTERM, on_term, &done));
    if (strcmp(kind, "datagrams") == 0) {
        say_port(serve_datagrams(path));
    } else {
        (strcmp(kind, "streams") == 0 ? serve_streams
                                      : serve_protocols)(path, servers);
        say_port(asyncio_server_port(servers[0]));
    }
    must(asyncio_event_wait(&done));
    end_datagrams();
    for (int i = 0; i < 2 && servers[i] != NULL; i++) {
        asyncio_server_close(servers[i]);
        asyncio_server_abort_clients(servers[i]);
        must(asyncio_server_wait_closed(servers[i]));
        asyncio_server_unref(servers[i]);
    }
    asyncio_loop_remove_signal_handler(loop, SIGTERM);
    asyncio_event_fini(&done);
    return 0;
}

static struct place
place_of(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return (struct place){.path = text + 5};
    return (struct place){.port = atoi(text + 4)};
}

/* A whole file; an empty one cannot be mapped. */
static const char *
contents(const char *name, size_t *ret_size)
{
    struct stat st;
    FILE *file = fopen(name, "r");
    char *data;

    if (file == NULL || fstat(fileno(file), &st) < 0
        || (data = malloc((size_t) st.st_size + 1)) == NULL
        || fread(data, 1, (size_t) st.st_size, file) != (size_t) st.st_size) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    *ret_size = (size_t) st.st_size;
    return data;
}

static int
converse(void *arg)
{
    const char *kind = arguments[1];
    struct place place = place_of(arguments[2]);

    (void) arg;
    if (strcmp(kind, "datagrams") == 0) {
        talk_datagrams(place);
        return 0;
    }
    for (char **pair = arguments + 3; pair[0] != NULL; pair += 2) {
        struct talk talk = {.place = place, .got = fopen(pair[1], "w")};
        if (talk.got == NULL) {
            perror(pair[1]);
            exit(EXIT_FAILURE);
        }
        talk.data = contents(pair[0], &talk.size);
        (strcmp(kind, "streams") == 0 ? talk_streams : talk_protocols)(&talk);
        fclose(talk.got);
        free((void *) (uintptr_t) talk.data);
    }
    return 0;
}

static int
usage(void)
{
    fputs("peer serve|connect streams|protocols|datagrams PATH|PLACE "
          "[SENT GOT]...\n",
          stderr);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    if (argc < 4 || (argc > 4 && argc % 2 != 0))
        return usage();
    arguments = argv + 1;
    must(asyncio_run(strcmp(argv[1], "serve") == 0 ? asyncio_coro(serve)
                                                   : asyncio_coro(converse)));
    asyncio_testing_counters_t left = asyncio_testing_counters();
    if (left.tasks != 0 || left.ops != 0 || left.handles != 0
        || left.fds != 0) {
        fprintf(stderr,
                "left behind: %" PRId64 " tasks, %" PRId64 " ops, %" PRId64
                " handles, %" PRId64 " fds\n",
                left.tasks, left.ops, left.handles, left.fds);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
