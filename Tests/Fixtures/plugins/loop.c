// Never returns from the key `now`, and is well otherwise.
#include "apus/apus.h"
#include <string.h>

static apus_status spin(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms, (void)error;
    volatile int runs = key->name.count == 3 && memcmp(key->name.bytes, "now", 3) == 0;
    while (runs) continue;
    return APUS_OK;
}
#define RECONCILE spin
#include "fixture.h"
