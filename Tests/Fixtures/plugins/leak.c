// Takes memory without end when it gets the key `now`, and never asks whether it got any; is well otherwise.
#include "apus/apus.h"
#include <stdlib.h>
#include <string.h>

static apus_status leak(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms, (void)error;
    enum { piece = 100000 };
    while (key->name.count == 3 && memcmp(key->name.bytes, "now", 3) == 0) {
        char *volatile kept = malloc(piece);
        memset(kept, 1, piece);
    }
    return APUS_OK;
}
#define RECONCILE leak
#include "fixture.h"
