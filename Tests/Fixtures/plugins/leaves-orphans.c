// A runtime that starts a process which starts another, in a session of its own, and forgets both. The last one is called as the config's "name" says.
#include "apus/apus.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static apus_status orphan(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host, (void)error;
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)config.count, (const char *)config.bytes);
    const char *found = strstr(text, "\"name\":\"");
    if (found == NULL) return APUS_INVALID;
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(found + 8, "\""), found + 8);
    *self = NULL;
    int told[2];
    if (pipe(told) != 0) return APUS_FAULT;
    pid_t child = fork();
    if (child < 0) return APUS_FAULT;
    if (child == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            prctl(PR_SET_NAME, name, 0, 0, 0);
            if (write(told[1], "x", 1) != 1) _exit(1);
            for (;;) pause();
        }
        _exit(0);
    }
    char byte;
    waitpid(child, NULL, 0);
    return read(told[0], &byte, 1) == 1 ? APUS_OK : APUS_FAULT;
}

static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    return (void)self, (void)method, (void)request, (void)timeout_ms, (void)code, (void)answer, APUS_OK;
}
static const apus_runtime table = {.size = sizeof table, .call = call};
static const apus_component component = {.size = sizeof component, .name = "fixture", .extension = APUS_RUNTIME, .table = &table, .create = orphan};
static const apus_component *const components[] = {&component};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1.2.3", .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
