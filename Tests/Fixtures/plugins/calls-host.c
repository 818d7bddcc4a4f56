// A controller without a fault that uses what the host offers: for every key it logs the name and answers with the Namespace of that name, as the API has it.
// For the key `own-thread` it does so on a thread of its own; `now` ends its process by `exit(3)`.
#include "apus/apus.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const apus_host *host;
static const apus_host_log *logs;
static const apus_host_objects *objects;

typedef struct work {
    const apus_key *key;
    apus_sink collected;
    char text[4096];
    uint64_t count;
    apus_status status;
} work;

static apus_borrowed text(const char *string) { return (apus_borrowed){(const uint8_t *)string, strlen(string)}; }

static void collect(void *context, apus_borrowed piece) {
    work *mine = context;
    if (piece.count > sizeof mine->text - mine->count) return;
    memcpy(mine->text + mine->count, piece.bytes, piece.count);
    mine->count += piece.count;
}

static void *run(void *argument) {
    work *mine = argument;
    logs->write(host->context, APUS_LOG_INFO, mine->key->name);
    apus_object_ref ref = {.size = sizeof ref, .resource = text("v1/namespaces"), .name = mine->key->name};
    mine->status = objects->get(host->context, &ref, &mine->collected);
    return NULL;
}

static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms;
    if (key->name.count == 3 && memcmp(key->name.bytes, "now", 3) == 0) exit(3);
    work mine = {.key = key, .collected = {.size = sizeof(apus_sink), .context = &mine, .write = collect}};
    pthread_t thread;
    if (key->name.count == 10 && memcmp(key->name.bytes, "own-thread", 10) == 0) {
        if (pthread_create(&thread, NULL, run, &mine) != 0) return APUS_FAULT;
        pthread_join(thread, NULL);
    } else {
        run(&mine);
    }
    error->write(error->context, (apus_borrowed){(const uint8_t *)mine.text, mine.count});
    return mine.status;
}
static const apus_controller table = {.size = sizeof table, .reconcile = reconcile};

static apus_status create(const apus_component *component, const apus_host *mine, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)config, (void)error;
    host = mine;
    logs = host->service(host->context, APUS_HOST_LOG);
    objects = host->service(host->context, APUS_HOST_OBJECTS);
    *self = 0;
    return logs != NULL && objects != NULL && host->service(host->context, "no.such.service/1") == NULL ? APUS_OK : APUS_FAULT;
}
static const apus_component component = {.size = sizeof component, .name = "fixture", .extension = APUS_CONTROLLER, .table = &table, .create = create};
static const apus_component *const components[] = {&component};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1.2.3", .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
