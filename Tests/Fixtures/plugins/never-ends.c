// Never comes back from `reconcile`, nor from `stop`.
#include "apus/apus.h"
#include <unistd.h>
static apus_status endless(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)key, (void)again_after_ms, (void)error;
    for (;;) pause();
}
static void refuse(void *self) {
    (void)self;
    for (;;) pause();
}
#define RECONCILE endless
#define STOP refuse
#include "fixture.h"
