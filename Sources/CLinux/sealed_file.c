#define _GNU_SOURCE
#include "sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

int apus_sealed_file(const char *name, const void *bytes, uint64_t count) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int descriptor = memfd_create(name, flags | MFD_EXEC);
    // Kernels before 6.3 do not know the flag and make every such file executable.
    if (descriptor < 0 && errno == EINVAL) descriptor = memfd_create(name, flags);
    if (descriptor < 0) return -1;
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(descriptor, next, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) goto failed;
        next += written;
        count -= (uint64_t)written;
    }
    if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0) return descriptor;
failed:;
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}
