// A runtime that opens a stream and says 100 KiB about it.
#include "apus/apus.h"

static const apus_stream_events *the_events;

static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    (void)self, (void)method, (void)request, (void)timeout_ms, (void)code, (void)answer;
    return APUS_OK;
}
static apus_status open(void *self, int32_t kind, apus_borrowed request, const apus_stream_events *events, void **stream, int32_t *code, const apus_sink *error) {
    (void)self, (void)kind, (void)request, (void)code;
    static const uint8_t text[1024] = {'a'};
    for (int piece = 0; piece < 100; piece++) error->write(error->context, (apus_borrowed){text, sizeof text});
    the_events = events;
    *stream = 0;
    return APUS_OK;
}
static apus_status send(void *self, void *stream, int32_t channel, apus_borrowed bytes) {
    (void)self, (void)stream, (void)channel, (void)bytes;
    return APUS_OK;
}
static void close(void *self, void *stream) {
    (void)self, (void)stream;
    the_events->data(the_events->context, APUS_STREAM_STDOUT, (apus_borrowed){(const uint8_t *)"late", 4});
    the_events->ended(the_events->context);
}
static const apus_runtime runtime = {.size = sizeof runtime, .call = call, .open = open, .send = send, .close = close};
#define EXTENSION APUS_RUNTIME
#define TABLE &runtime
#include "fixture.h"
