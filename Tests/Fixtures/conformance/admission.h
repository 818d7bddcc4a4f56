// An admission plugin without a defect: signs what it lets pass, and wants an annotation of nobody. Each file beside this one defines one macro otherwise, and so has exactly one.
#include "apus/apus.h"
#include <string.h>

#ifndef ADMIT
#define ADMIT admit
#endif
#ifndef VALIDATE
#define VALIDATE validate
#endif

__attribute__((unused)) static void say(const apus_sink *sink, const char *text) { sink->write(sink->context, (apus_borrowed){(const uint8_t *)text, strlen(text)}); }

__attribute__((unused)) static apus_borrowed labels_of(const apus_admission_request *request) {
    return apus_json_get(apus_json_get(request->object, "metadata"), "labels");
}

__attribute__((unused)) static apus_status admit(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer) {
    (void)self, (void)code, (void)notes;
    if (labels_of(request).count > 2) say(answer, "[{\"op\":\"add\",\"path\":\"/metadata/labels/signed\",\"value\":\"yes\"}]");
    return APUS_OK;
}

__attribute__((unused)) static apus_status validate(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *reason) {
    (void)self, (void)code;
    if (request->operation == APUS_OPERATION_UPDATE) notes->warn(notes->context, (apus_borrowed){(const uint8_t *)"changed", 7});
    if (apus_json_is(apus_json_get(request->object, "kind"), "\"Thing\"")) return say(reason, "no things"), APUS_DENIED;
    return APUS_OK;
}

static const apus_admission table = {.size = sizeof table, .admit = ADMIT, .validate = VALIDATE};

static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = 0;
    if (config.count == 2) return APUS_OK;
    say(error, "config: there are no settings, and this has ");
    error->write(error->context, config);
    return APUS_INVALID;
}
static const apus_component component = {.size = sizeof component, .name = "fixture", .extension = APUS_ADMISSION, .table = &table, .create = create};
static const apus_component *const components[] = {&component};
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1.0.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
