// A filter that writes its own opinion over that of the policy before it.
#include "apus/apus.h"
#define FILTER filter
static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)pod, (void)reasons, (void)error;
    for (uint32_t node = 0; node < nodes->count; node++)
        if (node % 13 != 12) feasible[node / 64] |= (uint64_t)1 << (node % 64);
    return APUS_OK;
}
#include "policy.h"
