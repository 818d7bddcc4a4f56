// A score that multiplies by a weight of its own.
#include "apus/apus.h"
#define SCORE score
static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)pod, (void)error;
    for (uint32_t node = 0; node < nodes->count; node++)
        if (feasible[node / 64] >> (node % 64) & 1) points[node] = (int32_t)(nodes->requested[APUS_RESOURCE_PODS][node] * 10);
    return APUS_OK;
}
#include "policy.h"
