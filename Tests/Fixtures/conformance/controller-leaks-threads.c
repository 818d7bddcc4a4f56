// A start that makes a thread which nobody ends.
#define START start
#include "apus/apus.h"
static apus_status start(void *self, const apus_sink *error);
#include "controller.h"
#include <unistd.h>
static void *wait_for_ever(void *unused) {
    (void)unused;
    while (pause()) {}
    return NULL;
}
static apus_status start(void *self, const apus_sink *error) {
    (void)self, (void)error;
    pthread_t thread;
    return pthread_create(&thread, NULL, wait_for_ever, NULL) == 0 ? APUS_OK : APUS_FAULT;
}
