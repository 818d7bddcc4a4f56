#define _GNU_SOURCE
#include "sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

int apus_sealed_copy(const char *name, int source) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int descriptor = memfd_create(name, flags | MFD_EXEC);
    // Kernels before 6.3 do not know the flag and make every such file executable.
    if (descriptor < 0 && errno == EINVAL) descriptor = memfd_create(name, flags);
    if (descriptor < 0) return -1;
    for (;;) {
        ssize_t copied = sendfile(descriptor, source, NULL, 1 << 30);
        if (copied < 0 && errno == EINTR) continue;
        if (copied < 0) goto failed;
        if (copied == 0) break;
    }
    if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0) return descriptor;
failed:;
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}
