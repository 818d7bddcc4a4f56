#define _GNU_SOURCE
#include "confined_open.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int apus_open_beneath(int directory, const char *path, int flags, unsigned mode, int limits) {
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (limits & APUS_WITHOUT_LINKS) how.resolve |= RESOLVE_NO_SYMLINKS;
    if (limits & APUS_WITHIN_MOUNT) how.resolve |= RESOLVE_NO_XDEV;
    // The kernel gives up, and wants to be asked again, when something was renamed on the way. Somebody who renames without end does not hold us up without end.
    for (int attempt = 0;; attempt++) {
        int descriptor = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (descriptor >= 0 || (errno != EAGAIN && errno != EINTR) || attempt == 128) return descriptor;
    }
}
