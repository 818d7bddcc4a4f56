// {{NAME}}: a controller in C. Gives every Namespace the label `{{NAME}}.example.com/seen: "true"`.

#include "apus/apus.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL "\"{{NAME}}.example.com/seen\":\"true\""

// One instance a manifest.
typedef struct controller {
    void *context; // goes with every call to the host
    const apus_host_log *log;
    const apus_host_objects *objects;
} controller;

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

// Keeps what is written into a sink, NUL-terminated.
typedef struct buffer {
    char *text;
    size_t count;
} buffer;

static void append(void *context, apus_borrowed piece) {
    buffer *buffer = context;
    char *grown = realloc(buffer->text, buffer->count + piece.count + 1);
    if (!grown) abort();
    if (piece.count) memcpy(grown + buffer->count, piece.bytes, piece.count);
    buffer->text = grown;
    buffer->count += piece.count;
    grown[buffer->count] = 0;
}

// Objects come as compact JSON, in which a quote inside a string is escaped: this exact text can only be the label.
static int has_label(const char *object) {
    const char *labels = object ? strstr(object, "\"labels\":{") : NULL;
    const char *found = labels ? strstr(labels, LABEL) : NULL;
    return found && found < strchr(labels, '}');
}

static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)again_after_ms; // only for those who must look again although nothing changed
    controller *controller = self;
    apus_object_ref ref = {.size = sizeof ref, .resource = key->resource, .namespace_ = key->namespace_, .name = key->name};

    buffer object = {0};
    apus_status status = controller->objects->get(controller->context, &ref, &(apus_sink){sizeof(apus_sink), &object, append});
    int is_done = has_label(object.text);
    free(object.text);
    if (status == APUS_NOT_FOUND) return APUS_OK; // deleted meanwhile: nothing to do
    if (status != APUS_OK || is_done) return status;

    // A merge patch changes this one field, and undoes nothing that others do to the object at the same time.
    buffer answer = {0};
    status = controller->objects->patch(controller->context, &ref, APUS_PATCH_MERGE, lend("{\"metadata\":{\"labels\":{" LABEL "}}}"), NULL, &(apus_sink){sizeof(apus_sink), &answer, append});
    if (status == APUS_OK) {
        char line[320];
        snprintf(line, sizeof line, "labelled %.*s", (int)key->name.count, (const char *)key->name.bytes);
        controller->log->write(controller->context, APUS_LOG_INFO, lend(line));
    } else if (status != APUS_NOT_FOUND && answer.text) {
        error->write(error->context, lend(answer.text)); // the API's Status: the host logs it, and tries again later
    }
    free(answer.text);
    return status == APUS_NOT_FOUND ? APUS_OK : status;
}

static const apus_controller table = {.size = sizeof table, .reconcile = reconcile};

static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component;
    if (config.count != 2) { // anything but `{}`
        error->write(error->context, lend("config: there are no settings, and this has "));
        error->write(error->context, config);
        return APUS_INVALID;
    }
    controller *made = calloc(1, sizeof *made);
    if (!made) return APUS_FAULT;
    made->context = host->context;
    made->log = host->service(host->context, APUS_HOST_LOG);
    made->objects = host->service(host->context, APUS_HOST_OBJECTS);
    if (!made->log || !made->objects) {
        error->write(error->context, lend("this host has no log or no objects"));
        free(made);
        return APUS_UNSUPPORTED;
    }
    *self = made;
    return APUS_OK;
}

static void destroy(void *self) { free(self); }

static const apus_component component = {
    .size = sizeof component, .name = "{{NAME}}", .extension = APUS_CONTROLLER, .table = &table, .create = create, .destroy = destroy,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "{{NAME}}", .version = "0.1.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
