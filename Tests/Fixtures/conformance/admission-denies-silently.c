// Refuses deletions without saying why.
#include "apus/apus.h"
static apus_status silent(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *reason) {
    (void)self, (void)code, (void)notes, (void)reason;
    return request->operation == APUS_OPERATION_DELETE ? APUS_DENIED : APUS_OK;
}
#define VALIDATE silent
#include "admission.h"
