// Takes memory that it shares with itself when it gets the key `now`: what a limit for private memory does not see. Is well otherwise.
#define _GNU_SOURCE
#include "apus/apus.h"
#include <string.h>
#include <sys/mman.h>

static apus_status hoard(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms, (void)error;
    enum { piece = 1 << 20, most = 4096 };
    for (int i = 0; i < most && key->name.count == 3 && memcmp(key->name.bytes, "now", 3) == 0; i++) {
        char *kept = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (kept == MAP_FAILED) return APUS_FAULT;
        memset(kept, 1, piece);
    }
    return APUS_OK;
}
#define RECONCILE hoard
#include "fixture.h"
