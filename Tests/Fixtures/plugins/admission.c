// An admission plugin that does what the annotation `do` of the object says. BY is who it signs as.
#include "apus/apus.h"
static const apus_admission admission;
static const apus_host *the_host;
#define EXTENSION APUS_ADMISSION
#define TABLE &admission
#define CREATED(host) the_host = host
#include "fixture.h"
#include <unistd.h>

#ifndef BY
#define BY "one"
#endif

static void nothing(void *context, apus_borrowed piece) { (void)context, (void)piece; }

static int32_t is_told(const apus_admission_request *request, const char *what) {
    const apus_borrowed metadata = apus_json_get(request->object.count > 0 ? request->object : request->old_object, "metadata");
    return apus_json_is(apus_json_get(apus_json_get(metadata, "annotations"), "do"), what);
}

static apus_status obey(const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer) {
    if (is_told(request, "\"crash\"")) __builtin_trap();
    if (is_told(request, "\"hang\"")) sleep(3);
    if (is_told(request, "\"fault\"")) return say(answer, "it broke"), APUS_FAULT;
    if (is_told(request, "\"status\"")) return 77;
    if (is_told(request, "\"code\"")) return *code = 700, APUS_DENIED;
    static const uint8_t flood[70000];
    if (is_told(request, "\"flood\"")) notes->warn(notes->context, (apus_borrowed){flood, sizeof flood});
    if (is_told(request, "\"call\"")) {
        const apus_host_objects *objects = the_host->service(the_host->context, APUS_HOST_OBJECTS);
        const apus_object_ref ref = {.size = sizeof ref, .resource = {(const uint8_t *)"v1/namespaces", 13}, .name = {(const uint8_t *)"default", 7}};
        const apus_sink sink = {.size = sizeof sink, .write = nothing};
        if (objects->get(the_host->context, &ref, &sink) != APUS_OK) return say(answer, "the API was refused"), APUS_DENIED;
    }
    if (is_told(request, "\"warn\"")) {
        notes->warn(notes->context, (apus_borrowed){(const uint8_t *)"mind the " BY, 8 + sizeof BY});
        notes->annotate(notes->context, (apus_borrowed){(const uint8_t *)"seen", 4}, (apus_borrowed){(const uint8_t *)BY, sizeof BY - 1});
    }
    return APUS_OK;
}

static apus_status admit(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer) {
    (void)self;
    if (is_told(request, "\"garbage\"")) return say(answer, "not json"), APUS_OK;
    const apus_status status = obey(request, code, notes, answer);
    if (status != APUS_OK || request->object.count == 0) return status;
    // Signs what it lets pass.
    const apus_borrowed labels = apus_json_get(apus_json_get(request->object, "metadata"), "labels");
    if (labels.count > 2) say(answer, "[{\"op\":\"add\",\"path\":\"/metadata/labels/by\",\"value\":\"" BY "\"}]");
    return APUS_OK;
}

static apus_status validate(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *reason) {
    (void)self;
    if (is_told(request, "\"deny\"")) return say(reason, "it was told to"), APUS_DENIED;
    if (is_told(request, "\"teapot\"")) return *code = 418, say(reason, "it is a teapot"), APUS_DENIED;
    return obey(request, code, notes, reason);
}

static const apus_admission admission = {.size = sizeof admission, .admit = admit, .validate = validate};
