// A controller without a fault that prints. Its key says what: `out` and `err` a line each, `many` more lines than anybody reads, `odd` what no log should show as it is,
// `fatal` what the Swift runtime says before it ends a process.
#define _GNU_SOURCE
#include "apus/apus.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is(const apus_key *key, const char *name) { return key->name.count == strlen(name) && memcmp(key->name.bytes, name, key->name.count) == 0; }

static apus_status print(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms, (void)error;
    if (is(key, "out")) printf("hello\n"), fflush(stdout);
    if (is(key, "err")) fprintf(stderr, "oh dear\n");
    for (int i = 0; i < 5000 && is(key, "many"); i++) fprintf(stderr, "line %d\n", i);
    if (is(key, "odd")) {
        fprintf(stderr, "\x1b[2Jred\r\n\n");
        for (int i = 0; i < 5000; i++) fputc('a', stderr);
        fputc('\n', stderr);
    }
    if (is(key, "fatal")) {
        void (*report)(const char *, int, const char *, int, unsigned) = (void (*)(const char *, int, const char *, int, unsigned))dlsym(RTLD_DEFAULT, "_swift_stdlib_reportFatalError");
        if (report != NULL) report("Fatal error", 11, "no luck today", 13, 0);
        abort();
    }
    return APUS_OK;
}
#define RECONCILE print
#include "fixture.h"
