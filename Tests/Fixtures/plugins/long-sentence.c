// Writes a sentence of 100 KiB.
#include "apus/apus.h"

static apus_status verbose(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)key, (void)again_after_ms;
    static const uint8_t text[1024] = {'a'};
    for (int piece = 0; piece < 100; piece++) error->write(error->context, (apus_borrowed){text, sizeof text});
    return APUS_OK;
}
#define RECONCILE verbose
#include "fixture.h"
