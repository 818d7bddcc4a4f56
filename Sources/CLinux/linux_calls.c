// pipe2, posix_spawn_file_actions_addclosefrom_np, F_OFD_SETLK
#define _GNU_SOURCE
#include "linux_calls.h"
#include <fcntl.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sockios.h>

void apus_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int apus_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int apus_pidfd_signal(int descriptor, int number) { return (int)syscall(SYS_pidfd_send_signal, descriptor, number, 0, 0); }

int apus_watch_directory(const char *path) {
    int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (descriptor >= 0 && inotify_add_watch(descriptor, path, IN_CREATE | IN_MOVED_TO) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int apus_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

int apus_event_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int apus_event_signal(int descriptor) {
    uint64_t one = 1;
    return write(descriptor, &one, sizeof one) == (ssize_t)sizeof one ? 0 : -1;
}

int apus_spawn_closing_from(posix_spawn_file_actions_t *actions, int first) { return posix_spawn_file_actions_addclosefrom_np(actions, first); }

// Locks of the open file, not of the process: they end with the descriptor, and can be asked about without being taken.
static struct flock whole_file(void) { return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}; }

int apus_file_take(int descriptor) {
    struct flock lock = whole_file();
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int apus_file_is_taken(int descriptor) {
    struct flock lock = whole_file();
    return fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int apus_mount(const char *source, const char *target, const char *type, const char *options) { return mount(source, target, type, 0, options); }

int apus_unmount(const char *path) { return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW); }

int apus_remove_bridge(const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int status = ioctl(descriptor, SIOCSIFFLAGS, &request);
    if (status == 0) status = ioctl(descriptor, SIOCBRDELBR, name);
    close(descriptor);
    return status;
}
