// Writes sentences without end when it gets the key `now`, and is well otherwise.
#include "apus/apus.h"
#include <string.h>

static apus_status flood(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms;
    static const char text[] = "nobody will read this sentence to its end; ";
    while (key->name.count == 3 && memcmp(key->name.bytes, "now", 3) == 0) error->write(error->context, (apus_borrowed){(const uint8_t *)text, sizeof text - 1});
    return APUS_OK;
}
#define RECONCILE flood
#include "fixture.h"
