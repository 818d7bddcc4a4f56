// A controller for Namespaces without a fault: labels each once. Each controller-*.c beside it replaces one part and so has exactly one defect.
#include "apus/apus.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct controller {
    void *context;
    const apus_host_log *log;
    const apus_host_objects *objects;
} controller;

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

// Whether the text `"conformance":"seen"` came by.
typedef struct finder {
    char text[65536];
    size_t count;
} finder;
static void find(void *context, apus_borrowed piece) {
    finder *finder = context;
    for (uint64_t index = 0; index < piece.count && finder->count + 1 < sizeof finder->text; index++) finder->text[finder->count++] = (char)piece.bytes[index];
}
__attribute__((unused)) static void drop(void *context, apus_borrowed piece) { (void)context, (void)piece; }

__attribute__((unused)) static apus_status label(controller *me, const apus_key *key) {
    apus_object_ref ref = {.size = sizeof ref, .resource = key->resource, .name = key->name};
    return me->objects->patch(me->context, &ref, APUS_PATCH_MERGE, lend("{\"metadata\":{\"labels\":{\"conformance\":\"seen\"}}}"), NULL, &(apus_sink){sizeof(apus_sink), NULL, drop});
}

__attribute__((unused)) static apus_status is_labelled(controller *me, const apus_key *key, int *answer) {
    finder *found = calloc(1, sizeof *found);
    apus_object_ref ref = {.size = sizeof ref, .resource = key->resource, .name = key->name};
    apus_status status = me->objects->get(me->context, &ref, &(apus_sink){sizeof(apus_sink), found, find});
    *answer = strstr(found->text, "\"conformance\":\"seen\"") != NULL;
    free(found);
    return status;
}

#ifndef RECONCILE
#define RECONCILE reconcile
static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)again_after_ms, (void)error;
    int labelled = 0;
    apus_status status = is_labelled(self, key, &labelled);
    if (status == APUS_OK && !labelled) status = label(self, key);
    return status == APUS_NOT_FOUND ? APUS_OK : status;
}
#endif
#ifndef DESTROY
#define DESTROY free
#endif
#ifndef START
#define START NULL
#endif

static const apus_controller table = {.size = sizeof table, .reconcile = RECONCILE};
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)config;
    controller *me = calloc(1, sizeof *me);
    me->context = host->context;
    me->log = host->service(host->context, APUS_HOST_LOG);
    me->objects = host->service(host->context, APUS_HOST_OBJECTS);
    if (!me->log || !me->objects) {
        error->write(error->context, lend("this host has no log or no objects"));
        free(me);
        return APUS_UNSUPPORTED;
    }
    *self = me;
    return APUS_OK;
}
static const apus_component component = {
    .size = sizeof component, .name = "fixture", .extension = APUS_CONTROLLER, .table = &table, .create = create, .start = START, .destroy = DESTROY,
};
static const apus_component *const components[] = {&component};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1", .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
