// A controller in C: gives every Namespace the label `example.apus.dev/managed: "true"`.
//
// The host owns the watch, the work queue and the retries. It calls `reconcile` with the name of a Namespace whenever one is made or changed; the controller
// compares what is with what should be and acts. It must not remember anything between two calls that it could not find out again.
//
// The manifest (plugin-manifests/example-controller.yaml) says that Namespaces are watched and grants the rules to patch them. The label's key can be
// set there, as `config: {label: …}`.

#include "apus/apus.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One instance a manifest.
typedef struct controller {
    void *context;
    const apus_host_log *log;
    const apus_host_objects *objects;
    char label[128];
} controller;

// Text as the ABI lends it, and the other way round.
static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }
static void say(const apus_sink *sink, const char *text) { sink->write(sink->context, lend(text)); }

// A sink that keeps what it is given, NUL-terminated.
typedef struct buffer {
    char *text;
    size_t count;
} buffer;

static void append(void *context, apus_borrowed piece) {
    buffer *buffer = context;
    if (piece.count == 0) return;
    char *grown = realloc(buffer->text, buffer->count + piece.count + 1);
    if (!grown) abort();
    memcpy(grown + buffer->count, piece.bytes, piece.count);
    buffer->text = grown;
    buffer->count += piece.count;
    grown[buffer->count] = 0;
}

// Whether the object has the label already. Objects come as compact JSON, where a quote inside a string is escaped, and labels are strings only: between the name of
// the field and the next brace this exact text can only be the label.
static int has_label(const char *object, const char *label) {
    const char *labels = object ? strstr(object, "\"labels\":{") : NULL;
    const char *end = labels ? strchr(labels, '}') : NULL;
    char wanted[160];
    snprintf(wanted, sizeof wanted, "\"%s\":\"true\"", label);
    const char *found = labels ? strstr(labels, wanted) : NULL;
    return found && end && found < end;
}

static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    controller *controller = self;
    (void)again_after_ms; // only needed by those who must look again without a change
    apus_object_ref ref = {.size = sizeof ref, .resource = key->resource, .name = key->name};

    buffer object = {0};
    apus_status status = controller->objects->get(controller->context, &ref, &(apus_sink){sizeof(apus_sink), &object, append});
    int done = has_label(object.text, controller->label);
    free(object.text);
    if (status == APUS_NOT_FOUND) return APUS_OK; // deleted meanwhile: nothing to do
    if (status != APUS_OK || done) return status;

    // A merge patch changes this one field and cannot undo what others do to the object at the same time.
    char patch[224];
    snprintf(patch, sizeof patch, "{\"metadata\":{\"labels\":{\"%s\":\"true\"}}}", controller->label);
    buffer answer = {0};
    status = controller->objects->patch(controller->context, &ref, APUS_PATCH_MERGE, lend(patch), NULL, &(apus_sink){sizeof(apus_sink), &answer, append});
    if (status == APUS_OK) {
        char line[320];
        snprintf(line, sizeof line, "labelled namespace %.*s", (int)key->name.count, (const char *)key->name.bytes);
        controller->log->write(controller->context, APUS_LOG_INFO, lend(line));
    } else if (answer.text) {
        say(error, answer.text); // the API's Status: the host logs it and tries again later
    }
    free(answer.text);
    return status == APUS_NOT_FOUND ? APUS_OK : status;
}

static const apus_controller table = {.size = sizeof table, .reconcile = reconcile};

// Reads `{"label":"…"}` and nothing else: a setting that has no effect is refused. A plugin with more to configure brings a JSON library.
static int read_label(apus_borrowed config, char *label, size_t size) {
    static const char before[] = "{\"label\":\"", after[] = "\"}";
    const size_t start = sizeof before - 1, around = start + sizeof after - 1;
    if (config.count == 2) return 1; // `{}`: the default stays
    if (config.count <= around || config.count - around >= size || memcmp(config.bytes, before, start) != 0) return 0;
    const size_t count = config.count - around;
    if (memcmp(config.bytes + start + count, after, sizeof after - 1) != 0) return 0;
    memcpy(label, config.bytes + start, count);
    label[count] = 0;
    return strpbrk(label, "\\\"") == NULL;
}

static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component;
    controller *made = calloc(1, sizeof *made);
    if (!made) return APUS_FAULT;
    strcpy(made->label, "example.apus.dev/managed");
    made->context = host->context;
    made->log = host->service(host->context, APUS_HOST_LOG);
    made->objects = host->service(host->context, APUS_HOST_OBJECTS);
    apus_status status = APUS_OK;
    if (!made->log || !made->objects) {
        say(error, "this host has no log or no objects");
        status = APUS_UNSUPPORTED;
    } else if (!read_label(config, made->label, sizeof made->label)) {
        say(error, "config: the one setting is label, a label key of at most 127 bytes, and this has ");
        error->write(error->context, config);
        status = APUS_INVALID;
    }
    if (status != APUS_OK) {
        free(made);
        return status;
    }
    *self = made;
    return APUS_OK;
}

static void destroy(void *self) { free(self); }

static const apus_component component = {
    .size = sizeof component, .name = "namespace-label", .extension = APUS_CONTROLLER, .table = &table, .create = create, .destroy = destroy,
};
static const apus_component *const components[] = {&component};

const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "example-controller", .version = "1.0.0",
        .components = components, .component_count = 1,
    };
    return &plugin;
}
