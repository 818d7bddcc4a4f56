// {{NAME}}: an admission plugin in C. Lets no object be written without the label `app`, and gives a new one the label `written-by`.

#include "apus/apus.h"
#include <string.h>

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

static void write_text(const apus_sink *sink, const char *text) { sink->write(sink->context, lend(text)); }

static apus_borrowed labels_of(apus_borrowed object) { return apus_json_get(apus_json_get(object, "metadata"), "labels"); }

// May change the object, here a new one that does not say yet who wrote it. The answer is a JSON patch; without one the object stays as it is.
static apus_status admit(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer) {
    (void)self, (void)code, (void)notes;
    const apus_borrowed metadata = apus_json_get(request->object, "metadata"), labels = labels_of(request->object);
    if (request->operation != APUS_OPERATION_CREATE || metadata.count == 0 || metadata.bytes[0] != '{') return APUS_OK;
    if (apus_json_get(labels, "written-by").count > 0) return APUS_OK;
    // The name's last part: `jane` of `system:serviceaccount:shop:jane`. What a label may not have is for the API server to say.
    apus_borrowed user = request->user;
    for (uint64_t i = 0; i < request->user.count; i++)
        if (request->user.bytes[i] == ':') user = (apus_borrowed){request->user.bytes + i + 1, request->user.count - i - 1};
    write_text(answer, labels.count > 0 && labels.bytes[0] == '{' ? "[{\"op\":\"add\",\"path\":\"/metadata/labels/written-by\",\"value\":\"" : "[{\"op\":\"add\",\"path\":\"/metadata/labels\",\"value\":{\"written-by\":\"");
    for (uint64_t i = 0; i < user.count; i++) // a text in JSON
        if (user.bytes[i] >= ' ' && user.bytes[i] != '"' && user.bytes[i] != '\\') answer->write(answer->context, (apus_borrowed){user.bytes + i, 1});
    write_text(answer, labels.count > 0 && labels.bytes[0] == '{' ? "\"}]" : "\"}}]");
    return APUS_OK;
}

// May refuse the object. What is deleted needs no label any more.
static apus_status validate(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *reason) {
    (void)self, (void)code; // the code of the answer, 403 when nobody says another
    if (request->operation == APUS_OPERATION_DELETE) return APUS_OK;
    const apus_borrowed app = apus_json_get(labels_of(request->object), "app");
    if (apus_json_text(app).count == 0) {
        write_text(reason, "every object needs the label app");
        return APUS_DENIED;
    }
    if (apus_json_is(app, "\"test\"")) notes->warn(notes->context, lend("the label app is test: is that its name?"));
    return APUS_OK;
}

static const apus_admission table = {.size = sizeof table, .admit = admit, .validate = validate};

// There is nothing to remember, so there is no instance: `self` is null everywhere.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = NULL;
    if (config.count == 2) return APUS_OK; // `{}`
    write_text(error, "config: there are no settings, and this has ");
    error->write(error->context, config);
    return APUS_INVALID;
}

static const apus_component component = {
    .size = sizeof component, .name = "{{NAME}}", .extension = APUS_ADMISSION, .table = &table, .create = create,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "{{NAME}}", .version = "0.1.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
