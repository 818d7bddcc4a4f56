// The file system of a plugin's child.
#define _GNU_SOURCE
#include "child_process.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int copy(int source, const char *path) {
    int target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555);
    if (target < 0) return -1;
    off_t offset = 0;
    ssize_t copied;
    while ((copied = sendfile(target, source, &offset, 1 << 30)) > 0) {}
    int failed = errno;
    close(target);
    errno = failed;
    return copied == 0 ? 0 : -1;
}

// What is there is shown at `place`, which lies in the new root, and nothing can be changed through it.
static int show(const char *path, const char *place) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (mount(path, place, NULL, MS_BIND, NULL) != 0) return -1;
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, place, 0, &attributes, sizeof attributes);
}

static int make_directories(const char *path) {
    char part[4096];
    for (size_t i = 1; i <= strlen(path) && i < sizeof part; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST) return -1;
    }
    return 0;
}

static int show_library(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    // What this program has loaded is found by its name.
    if (dlopen(name, RTLD_NOLOAD | RTLD_LAZY) != NULL) return 0;
    char place[4096];
    snprintf(place, sizeof place, "lib/%s", name);
    int target = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555);
    if (target < 0) return errno == EEXIST ? 0 : -1;
    close(target);
    return show(path, place);
}

// In the new root.
static const char *fill(int library, char *const *paths, int count) {
    // Wherever the dynamic linker looks by itself, it finds the one directory.
    if (mkdir("lib", 0755) != 0 || symlink("lib", "lib64") != 0 || symlink(".", "usr") != 0) return "directories of its own root";
    if (symlink(".", "lib/x86_64-linux-gnu") != 0 || symlink(".", "lib/aarch64-linux-gnu") != 0) return "directories of its own root";
    if (copy(library, "plugin.so") != 0) return "the library in its own root";
    for (int i = 0; i < count; i++) {
        struct stat state;
        if (stat(paths[i], &state) != 0) return paths[i];
        if (!S_ISDIR(state.st_mode)) {
            if (show_library(paths[i]) != 0) return paths[i];
        } else if (make_directories(paths[i] + 1) != 0 || show(paths[i], paths[i] + 1) != 0) {
            return paths[i];
        }
    }
    return NULL;
}

const char *apus_child_files(const char *name, int own_root, int library, char *const *paths, int count) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return "mounts of its own";
    // The host's shows the host's processes.
    if (!own_root) return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 ? "/proc of its own" : NULL;
    // Any directory will do: it is covered in this process's namespace alone, and until the root is another one.
    static const char place[] = "/sys";
    if (mount("plugin", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0 || chdir(place) != 0) return "a root of its own";
    const char *failed = fill(library, paths, count);
    if (failed != NULL) return failed;
    if (mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "mode=0755") != 0) return "a root that is read-only";
    // The old root lands on top of the new one, and is taken off.
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) return "the change to its own root";
    return sethostname(name, strlen(name)) != 0 ? "a name of its own" : NULL;
}
