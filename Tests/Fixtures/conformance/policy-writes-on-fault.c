// A score that finds out only after it has written that it cannot judge this Pod.
#include "apus/apus.h"
#include <string.h>
#define SCORE score
static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self;
    for (uint32_t node = 0; node < nodes->count; node++)
        if (feasible[node / 64] >> (node % 64) & 1) points[node] = 50;
    if (pod->priority >= 0) return APUS_OK;
    static const char text[] = "no opinion on Pods below zero";
    error->write(error->context, (apus_borrowed){(const uint8_t *)text, sizeof text - 1});
    return APUS_FAULT;
}
#include "policy.h"
