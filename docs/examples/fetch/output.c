/* SPDX-License-Identifier: MIT */
/*
 * Pages as files: DIR/host/path.
 *
 * Files are written where they are, without leaving the loop: writes go to
 * the page cache, and a client that is slow because its disk is slow has no
 * other work anyway. A page is written under another name until it is
 * complete, so that what is there is never half a page.
 */
#include "output.h"

#include <asyncio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
output_path(const char *directory, const struct url *url)
{
    const char *query = strchr(url->target, '?');
    size_t length = strlen(url->target);
    size_t path = query != NULL ? (size_t) (query - url->target) : length;
    char *name = malloc(strlen(directory) + sizeof url->host + 3 * length + 32);
    char *end;

    if (name == NULL)
        return NULL;
    end = name + sprintf(name, "%s/", directory);
    url_authority(url, end, sizeof url->host + 10);
    end += strlen(end);
    end += sprintf(end, "%.*s", (int) path, url->target);
    if (end[-1] == '/')
        end += sprintf(end, "index.html");
    /* The path is clean of dot segments, but a query may say anything. */
    for (; query != NULL && *query != '\0'; query++)
        end += sprintf(end, *query == '/' ? "%%2F" : "%c", *query);
    *end = '\0';
    return name;
}

static int
make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0777);
        *slash = '/';
        if (made < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

int
output_open(struct output *output, const char *directory,
            const struct url *url, unsigned number)
{
    struct output o = {.fd = -1, .path = output_path(directory, url)};
    int r = -ENOMEM;

    if (o.path != NULL)
        o.part = malloc(strlen(o.path) + 32);
    if (o.part != NULL) {
        sprintf(o.part, "%s.%u.part", o.path, number);
        r = make_directories(o.part);
    }
    if (r == 0)
        o.fd = open(o.part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (r == 0 && o.fd < 0)
        r = -errno;
    if (r < 0) {
        asyncio_raise(r, "%s: %s", o.path != NULL ? o.path : directory,
                      asyncio_strerror(r));
        free(o.path);
        free(o.part);
        return r;
    }
    *output = o;
    return 0;
}

int
output_write(struct output *output, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write(output->fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return asyncio_raise(-errno, "%s: %s", output->path,
                                 strerror(errno));
        at += n;
        size -= (size_t) n;
    }
    return 0;
}

int
output_commit(struct output *output)
{
    int r = 0, fd = output->fd;

    output->fd = -1;
    if (close(fd) < 0 || rename(output->part, output->path) < 0) {
        r = asyncio_raise(-errno, "%s: %s", output->path, strerror(errno));
        unlink(output->part);
    }
    free(output->path);
    free(output->part);
    return r;
}

void
output_discard(struct output *output)
{
    if (output->fd < 0)
        return;
    close(output->fd);
    unlink(output->part);
    free(output->path);
    free(output->part);
    output->fd = -1;
}
