// A score that reads through a null pointer when there is no Node at all.
#include "apus/apus.h"
#include <stddef.h>
#define SCORE score
static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)feasible, (void)error;
    volatile int32_t *best = nodes->count == 0 && pod->json.count ? NULL : points;
    for (uint32_t node = 0; node < nodes->count; node++) points[node] = 1;
    if (nodes->count == 0) *best = 0;
    return APUS_OK;
}
#include "policy.h"
