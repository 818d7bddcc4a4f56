// A controller plugin without a fault. Each file beside this one defines one macro otherwise, and so has exactly one.
#include "apus/apus.h"
#include <string.h>

#ifndef MAJOR
#define MAJOR APUS_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR APUS_ABI_MINOR
#endif
#ifndef NAME
#define NAME "fixture"
#endif
#ifndef EXTENSION
#define EXTENSION APUS_CONTROLLER
#endif
#ifndef TABLE
#define TABLE &table
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof table
#endif
#ifndef RECONCILE
#define RECONCILE reconcile
#endif
#ifndef CREATE_STATUS
#define CREATE_STATUS APUS_OK
#endif
#ifndef START_STATUS
#define START_STATUS APUS_OK
#endif
#ifndef ENTRY
#define ENTRY &plugin
#endif
#ifndef VERSION
#define VERSION "1.2.3"
#endif
#ifndef START
#define START start
#endif
// What `create` does with the host.
#ifndef CREATED
#define CREATED(host) (void)(host)
#endif
#ifndef STOP
#define STOP 0
#endif
#ifndef DESTROY
#define DESTROY 0
#endif

static inline void say(const apus_sink *sink, const char *text) { sink->write(sink->context, (apus_borrowed){(const uint8_t *)text, strlen(text)}); }

__attribute__((unused)) static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)error;
    // The name says what to answer, so that one library serves for every outcome.
    if (key->name.count == 5 && memcmp(key->name.bytes, "retry", 5) == 0) return APUS_RETRY;
    if (key->name.count == 5 && memcmp(key->name.bytes, "fault", 5) == 0) return say(error, "it broke"), APUS_FAULT;
    if (key->name.count == 5 && memcmp(key->name.bytes, "again", 5) == 0) *again_after_ms = 1500;
    return APUS_OK;
}
__attribute__((unused)) static const apus_controller table = {.size = TABLE_SIZE, .reconcile = RECONCILE};

static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)config;
    CREATED(host);
    *self = 0;
    if (CREATE_STATUS != APUS_OK) say(error, "no luck today");
    return CREATE_STATUS;
}
__attribute__((unused)) static apus_status start(void *self, const apus_sink *error) {
    (void)self;
    if (START_STATUS != APUS_OK) say(error, "cannot begin");
    return START_STATUS;
}
static const apus_component component = {.size = sizeof component, .name = NAME, .extension = EXTENSION, .table = TABLE, .create = create, .start = START, .stop = STOP, .destroy = DESTROY};
static const apus_component *const components[] = {&component};
__attribute__((unused)) static const apus_plugin plugin = {
    .size = sizeof plugin, .major = MAJOR, .minor = MINOR, .name = "fixture", .version = VERSION, .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return ENTRY; }
