// A policy whose filter breaks: the cycle must end with its sentence.
#include "apus/apus.h"
#include <string.h>

static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)pod, (void)nodes, (void)feasible, (void)reasons;
    static const char text[] = "the filter broke";
    error->write(error->context, (apus_borrowed){(const uint8_t *)text, sizeof text - 1});
    return APUS_FAULT;
}
static const apus_scheduler_policy table = {.size = sizeof table, .filter = filter};
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
