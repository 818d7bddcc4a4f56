// Writes through a null pointer when it gets the key `now`, and is well otherwise.
#include "apus/apus.h"
#include <string.h>

static apus_status crash(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms, (void)error;
    if (key->name.count == 3 && memcmp(key->name.bytes, "now", 3) == 0) *(volatile int *)0 = 1;
    return APUS_OK;
}
#define RECONCILE crash
#include "fixture.h"
