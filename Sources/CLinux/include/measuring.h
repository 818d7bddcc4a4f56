// What a test of plugins measures and sets up for itself.
#ifndef APUS_MEASURING_H
#define APUS_MEASURING_H
#include <stdint.h>

/// Bytes that `malloc` has given out and not got back, of the whole process.
uint64_t apus_heap_in_use(void);

/// Moves the calling thread, and those it starts from now on, into a network namespace of their own with nothing but loopback, which is up and has 10.0.0.1/8 beside
/// its usual address. Answers -1 and sets `errno` when the system does not let it.
int apus_leave_network(void);

#endif
