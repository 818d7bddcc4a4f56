// Warns of every request but the first.
#include "apus/apus.h"
static int asked;
static apus_status counts(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *reason) {
    (void)self, (void)request, (void)code, (void)reason;
    if (__atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED) % 2) notes->warn(notes->context, (apus_borrowed){(const uint8_t *)"again", 5});
    return APUS_OK;
}
#define VALIDATE counts
#include "admission.h"
