// A proxy that says OK and does nothing.
#include "apus/apus.h"
#include <stddef.h>

static apus_status sync_services(void *self, const apus_services *wanted, const apus_sink *error) {
    (void)self, (void)wanted, (void)error;
    return APUS_OK;
}
static apus_status cleanup(void *self, const apus_sink *error) {
    (void)self, (void)error;
    return APUS_OK;
}
static const apus_proxy table = {.size = sizeof table, .sync = sync_services, .cleanup = cleanup};
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host, (void)config, (void)error;
    *self = NULL;
    return APUS_OK;
}
static const apus_component component = {.size = sizeof component, .name = "fixture", .extension = APUS_PROXY, .table = &table, .create = create};
static const apus_component *const components[] = {&component};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1", .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
