/* SPDX-License-Identifier: MIT */
#ifndef FETCH_URL_H
#define FETCH_URL_H

#include <stdbool.h>

enum {
    URL_LENGTH_MAX = 8192
};

/* An http or https URL in its parts, all of which point into one allocation. */
struct url {
    bool tls;           /* https */
    char *text;         /* "http://host[:port]/target", clean; owned */
    char host[256];     /* without the brackets of an IPv6 address */
    char port[6];       /* decimal, never empty */
    const char *target; /* what a request asks for: "/path?query" */
};

/* Parse what a person or a server wrote; "example.org/x" is http, too. On
 * failure: an error code, and the reason as the current exception. */
int url_parse(const char *text, struct url *ret_url);

/* Where a redirect leads: `reference` may be relative to `base`. */
int url_join(const struct url *base, const char *reference,
             struct url *ret_url);

/* "host:port", as a Host header and as a name for a server. */
void url_authority(const struct url *url, char *buffer, unsigned size);

void url_fini(struct url *url);

#endif
