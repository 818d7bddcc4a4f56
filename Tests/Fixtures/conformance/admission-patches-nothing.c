// Has a patch also for what has no labels to patch.
#include "apus/apus.h"
static apus_status patches(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer);
#define ADMIT patches
#include "admission.h"
static apus_status patches(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *answer) {
    (void)self, (void)code, (void)notes;
    if (request->object.count > 0) say(answer, "[{\"op\":\"add\",\"path\":\"/metadata/labels/signed\",\"value\":\"yes\"}]");
    return APUS_OK;
}
