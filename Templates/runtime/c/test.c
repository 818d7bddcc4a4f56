// The runtime's answers, byte by byte where it matters.
#include "plugin.c"
#include <stdio.h>

static int failures;
#define CHECK(what) ((what) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #what), failures++))

static message said;
static void say(void *context, apus_borrowed piece) {
    (void)context;
    for (uint64_t index = 0; index < piece.count; index++) put_byte(&said, piece.bytes[index]);
}

static int32_t code;
static apus_status ask(const char *method) {
    said.count = 0;
    code = 0;
    return call(NULL, lend(method), (apus_borrowed){NULL, 0}, 0, &code, &(apus_sink){sizeof(apus_sink), NULL, say});
}

static int contains(const void *bytes, size_t count) {
    for (size_t start = 0; start + count <= said.count; start++) {
        if (memcmp(said.bytes + start, bytes, count) == 0) return 1;
    }
    return 0;
}

int main(void) {
    message number = {.count = 0};
    put_number(&number, 300);
    CHECK(number.count == 2 && number.bytes[0] == 0xac && number.bytes[1] == 0x02);

    CHECK(ask("RuntimeService/Version") == APUS_OK);
    CHECK(memcmp(said.bytes, "\x0a\x05" "0.1.0", 7) == 0 && contains("\x22\x02v1", 4)); // version, runtime_api_version

    CHECK(ask("RuntimeService/Status") == APUS_OK && said.bytes[0] == 0x0a);
    CHECK(contains("\x0a\x10\x0a\x0cRuntimeReady\x10\x01", 18)); // a condition that is true
    CHECK(contains("\x0a\x0cNetworkReady\x1a\x0eNotImplemented", 30)); // and one that is not

    CHECK(ask("RuntimeService/RunPodSandbox") == APUS_UNSUPPORTED && code == APUS_CODE_UNIMPLEMENTED && contains("RuntimeService/RunPodSandbox", 28));
    CHECK(ask("RuntimeService/Versio") == APUS_UNSUPPORTED);

    puts(failures ? "test: failed" : "test: ok");
    return failures != 0;
}
