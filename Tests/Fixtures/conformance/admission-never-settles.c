// Adds a container to every Pod, whether it did before or not.
#include "apus/apus.h"
static apus_status adds(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer);
#define ADMIT adds
#include "admission.h"
static apus_status adds(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer) {
    (void)self, (void)code, (void)notes;
    const apus_borrowed containers = apus_json_get(apus_json_get(request->object, "spec"), "containers");
    if (containers.count > 0 && containers.bytes[0] == '[') say(answer, "[{\"op\":\"add\",\"path\":\"/spec/containers/-\",\"value\":{\"name\":\"one-more\"}}]");
    return APUS_OK;
}
