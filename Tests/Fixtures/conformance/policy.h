// A scheduler policy without a fault. Each policy-*.c beside it replaces one part and so has exactly one defect.
#include "apus/apus.h"
#include <string.h>

__attribute__((unused)) static void say(const apus_sink *sink, const char *text) { sink->write(sink->context, (apus_borrowed){(const uint8_t *)text, strlen(text)}); }

#ifndef FILTER
// Refuses the Nodes that are full.
#define FILTER filter
static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)pod, (void)error;
    for (uint32_t word = 0; word < (nodes->count + 63) / 64; word++) {
        uint64_t full = 0;
        for (uint32_t bit = 0; bit < 64 && word * 64 + bit < nodes->count; bit++) {
            uint32_t node = word * 64 + bit;
            if (feasible[word] >> bit & 1 && nodes->requested[APUS_RESOURCE_PODS][node] >= 50) full |= (uint64_t)1 << bit;
        }
        feasible[word] &= ~full;
        if (reasons && full) {
            uint64_t set[128] = {0};
            set[word] = full;
            reasons->add(reasons->context, set, APUS_UNSCHEDULABLE, (apus_borrowed){(const uint8_t *)"too full", 8}, 0);
        }
    }
    return APUS_OK;
}
#endif

#ifndef SCORE
#define SCORE score
static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)pod, (void)error;
    for (uint32_t node = 0; node < nodes->count; node++)
        if (feasible[node / 64] >> (node % 64) & 1) points[node] = (int32_t)(nodes->allocatable[APUS_RESOURCE_CPU][node] % 101);
    return APUS_OK;
}
#endif

static const apus_scheduler_policy table = {.size = sizeof table, .filter = FILTER, .score = SCORE};
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host, (void)config, (void)error;
    *self = 0;
    return APUS_OK;
}
static const apus_component component = {.size = sizeof component, .name = "fixture", .extension = APUS_SCHEDULER_POLICY, .table = &table, .create = create};
static const apus_component *const components[] = {&component};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1", .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
