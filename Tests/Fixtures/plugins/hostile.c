// A plugin that tries everything that an isolated one must not be able to do. Its `create` makes each try, and then refuses: its sentence has a line for each with what it got,
// `ok` or the name of the error. One component for each kind, all alike. The config says what there is to attack:
// {"pid": a process of the host's, "address": something in its memory, "path": a file of the host's, "port": where it listens}
#define _GNU_SOURCE
#include "apus/apus.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    int pid, port;
    uint64_t address;
    char path[512];
} prey;

static const char *result(long answer) { return answer >= 0 ? "ok" : strerrorname_np(errno); }

static const char *open_file(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC, 0600);
    const char *answer = result(file);
    if (file >= 0) close(file);
    return answer;
}

static char in_constructor[32] = "not called";
__attribute__((constructor)) static void before_anything(void) { strcpy(in_constructor, open_file("/etc/shadow", O_RDONLY)); }

// Files.
static const char *constructor_reads_shadow(void) { return in_constructor; }
static const char *read_shadow(void) { return open_file("/etc/shadow", O_RDONLY); }
static const char *read_password_file(void) { return open_file("/etc/passwd", O_RDONLY); }
static const char *read_host_file(void) { return open_file(prey.path, O_RDONLY); }
static const char *through_init(void) { return open_file("/proc/1/root/etc/passwd", O_RDONLY); }
static const char *through_parents(void) { return open_file("../../../../../../etc/passwd", O_RDONLY); }
static const char *own_executable(void) { return open_file("/proc/self/exe", O_RDONLY); }
static const char *kernel_memory(void) { return open_file("/dev/mem", O_RDONLY); }
static const char *enter_cgroup(void) { return open_file("/sys/fs/cgroup/cgroup.procs", O_WRONLY); }
static const char *enter_memory_cgroup(void) { return open_file("/sys/fs/cgroup/memory/cgroup.procs", O_WRONLY); }
static const char *write_root(void) { return open_file("/mine", O_WRONLY | O_CREAT); }
static const char *write_library(void) { return open_file("/plugin.so", O_WRONLY); }
static const char *by_handle(void) {
    struct file_handle handle = {.handle_bytes = 0};
    return result(syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, 0));
}
static const char *write_sysctl(void) { return open_file("/proc/sys/net/ipv4/ip_forward", O_WRONLY); }

static int by_name(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }
static const char *list_root(void) {
    static char all[1024];
    char *names[64];
    int count = 0;
    DIR *root = opendir("/");
    if (root == NULL) return strerrorname_np(errno);
    for (struct dirent *entry; count < 64 && (entry = readdir(root)) != NULL;) {
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    }
    closedir(root);
    qsort(names, (size_t)count, sizeof *names, by_name);
    all[0] = 0;
    for (int i = 0; i < count; i++) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? " " : "", names[i]);
    return all;
}

// Devices, mounts, namespaces, the kernel.
static const char *make_device(void) { return result(mknod("/mem", S_IFCHR | 0600, makedev(1, 1))); }
static const char *mount_proc(void) { return result(mount("proc", "/lib", "proc", 0, NULL)); }
static const char *unmount_root(void) { return result(umount2("/", MNT_DETACH)); }
static const char *open_mount(void) { return result(syscall(SYS_open_tree, AT_FDCWD, "/", 1)); }
static const char *new_file_system(void) { return result(syscall(SYS_fsopen, "tmpfs", 0)); }
static const char *change_root(void) { return result(chroot("/lib")); }
static const char *pivot(void) { return result(syscall(SYS_pivot_root, ".", ".")); }
static const char *new_users(void) { return result(unshare(CLONE_NEWUSER)); }
static const char *new_mounts(void) { return result(unshare(CLONE_NEWNS)); }
static const char *join_namespace(void) { return result(setns(0, 0)); }
static const char *clone_users(void) {
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return result(child);
}
static const char *clone_in_other_words(void) { return result(syscall(SYS_clone3, NULL, 0)); }
static const char *keys(void) { return result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0)); }
static const char *add_key(void) { return result(syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_PROCESS_KEYRING)); }
static const char *load_program(void) { return result(syscall(SYS_bpf, 0, NULL, 0)); }
static const char *fault_handler(void) { return result(syscall(SYS_userfaultfd, 0)); }
static const char *ring(void) { return result(syscall(SYS_io_uring_setup, 1, NULL)); }
static const char *counters(void) { return result(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); }
static const char *load_module(void) { return result(syscall(SYS_finit_module, 0, "", 0)); }
static const char *load_kernel(void) { return result(syscall(SYS_kexec_load, 0, 0, NULL, 0)); }
static const char *restart(void) { return result(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL)); }
static const char *swap_on(void) { return result(swapon("/lib", 0)); }
static const char *kernel_log(void) { return result(syscall(SYS_syslog, 3, NULL, 0)); }
static const char *set_clock(void) { return result(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL)); }
static const char *rename_host(void) { return result(sethostname("mine", 4)); }
static const char *old_personality(void) { return result(personality(ADDR_NO_RANDOMIZE)); }
static const char *name(void) {
    static struct utsname names;
    return uname(&names) == 0 ? names.nodename : strerrorname_np(errno);
}
#ifdef __x86_64__
static const char *other_numbers(void) { return result(syscall(0x40000000 | SYS_getpid)); }
#endif

// Other processes.
static const char *signal_host(void) { return result(kill(prey.pid, SIGCONT)); }
static const char *signal_everyone(void) { return result(kill(-1, SIGCONT)); }
static const char *trace_host(void) { return result(ptrace(PTRACE_SEIZE, prey.pid, NULL, NULL)); }
static const char *read_memory(void) {
    char bytes[8];
    struct iovec here = {bytes, sizeof bytes}, there = {(void *)(uintptr_t)prey.address, sizeof bytes};
    return result(process_vm_readv(prey.pid, &here, 1, &there, 1, 0));
}
static const char *write_memory(void) {
    char bytes[8] = {0};
    struct iovec here = {bytes, sizeof bytes}, there = {(void *)(uintptr_t)prey.address, sizeof bytes};
    return result(process_vm_writev(prey.pid, &here, 1, &there, 1, 0));
}
static const char *open_process(void) { return result(syscall(SYS_pidfd_open, prey.pid, 0)); }
static const char *limits_of_host(void) { return result(prlimit(prey.pid, RLIMIT_NOFILE, NULL, &(struct rlimit){0})); }
static const char *shared_segment(void) { return result(shmget(0x61707573, 4096, 0)); }
static const char *message_queue(void) { return result(mq_open("/apus", O_RDONLY)); }

// Programs.
static const char *fork_once(void) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
    return result(child);
}
static const char *run_program(void) {
    char *words[] = {"/plugin.so", NULL};
    return result(execve("/plugin.so", words, words + 1));
}
static const char *spawn_program(void) {
    pid_t child;
    char *words[] = {"true", NULL};
    errno = posix_spawn(&child, "/bin/true", NULL, NULL, words, words + 1);
    if (errno == 0) waitpid(child, NULL, 0);
    return errno == 0 ? "ok" : strerrorname_np(errno);
}

// Network.
static const char *open_socket(int family, int kind, int protocol) {
    int end = socket(family, kind | SOCK_CLOEXEC, protocol);
    const char *answer = result(end);
    if (end >= 0) close(end);
    return answer;
}
static const char *connect_api(void) {
    int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end < 0) return strerrorname_np(errno);
    struct sockaddr_in api = {.sin_family = AF_INET, .sin_port = htons((uint16_t)prey.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *answer = result(connect(end, (struct sockaddr *)&api, sizeof api));
    close(end);
    return answer;
}
static const char *connect_containerd(void) {
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end < 0) return strerrorname_np(errno);
    struct sockaddr_un daemon = {.sun_family = AF_UNIX, .sun_path = "/nowhere/containerd.sock"};
    const char *answer = result(connect(end, (struct sockaddr *)&daemon, sizeof daemon));
    close(end);
    return answer;
}
static const char *netlink(void) { return open_socket(AF_NETLINK, SOCK_RAW, 0); }
static const char *packets(void) { return open_socket(AF_PACKET, SOCK_RAW, 0); }
static const char *raw_socket(void) { return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static const char *machine_socket(void) { return open_socket(AF_VSOCK, SOCK_STREAM, 0); }
static const char *pair(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return strerrorname_np(errno);
    close(ends[0]), close(ends[1]);
    return "ok";
}

// Rights and limits.
static const char *become_root(void) { return result(setresuid(0, 0, 0)); }
static const char *join_group(void) { return result(syscall(SYS_setgroups, 1, &(gid_t){0})); }
static const char *take_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0U, ~0U, 0}, {~0U, ~0U, 0}};
    return result(syscall(SYS_capset, &header, all));
}
static const char *be_dumpable(void) { return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }
static const char *outlive_host(void) { return result(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)); }
static const char *raise_files(void) { return result(setrlimit(RLIMIT_NOFILE, &(struct rlimit){1 << 20, 1 << 20})); }
static const char *raise_memory(void) { return result(setrlimit(RLIMIT_DATA, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY})); }
static const char *first_of_all(void) { return result(setpriority(PRIO_PROCESS, 0, -20)); }
static const char *real_time(void) { return result(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1})); }
static const char *lock_memory(void) { return result(mlockall(MCL_CURRENT)); }

static const char *use_memory(void) {
    enum { piece = 16 << 20, most = 1024 };
    static char *pieces[most];
    int count = 0;
    for (; count < most; count++) {
        pieces[count] = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pieces[count] == MAP_FAILED) break;
    }
    const char *answer = count < most ? strerrorname_np(errno) : "16 GiB";
    while (count > 0) munmap(pieces[--count], piece);
    return answer;
}
static const char *memory_file(void) {
    int file = memfd_create("mine", 0);
    const char *answer = result(file);
    if (file >= 0) close(file);
    return answer;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void *wait_at_gate(void *argument) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return argument;
}
static const char *start_threads(void) {
    enum { most = 1000 };
    static pthread_t threads[most];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    int count = 0, failed = 0;
    pthread_mutex_lock(&gate);
    while (count < most && (failed = pthread_create(&threads[count], &small, wait_at_gate, NULL)) == 0) count++;
    pthread_mutex_unlock(&gate);
    while (count > 0) pthread_join(threads[--count], NULL);
    return failed != 0 ? strerrorname_np(failed) : "1000 threads";
}

static const char *write_descriptors(void) {
    static char all[1024];
    all[0] = 0;
    for (int descriptor = 0; descriptor < 1024; descriptor++) {
        if (write(descriptor, "x", 1) == 1) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%d", all[0] ? " " : "", descriptor);
    }
    return all;
}
static const char *open_descriptors(void) {
    static char all[1024];
    all[0] = 0;
    for (int descriptor = 0; descriptor < 1024; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%d", all[0] ? " " : "", descriptor);
    }
    return all;
}

#define TRY(function) {#function, function}
static const struct {
    const char *name;
    const char *(*make)(void);
} tries[] = {
    TRY(constructor_reads_shadow), TRY(read_shadow), TRY(read_password_file), TRY(read_host_file), TRY(through_init), TRY(through_parents), TRY(own_executable),
    TRY(kernel_memory), TRY(enter_cgroup), TRY(enter_memory_cgroup), TRY(write_root), TRY(write_library), TRY(by_handle), TRY(write_sysctl), TRY(list_root),
    TRY(make_device), TRY(mount_proc), TRY(unmount_root), TRY(open_mount), TRY(new_file_system), TRY(change_root), TRY(pivot), TRY(new_users), TRY(new_mounts),
    TRY(join_namespace), TRY(clone_users), TRY(clone_in_other_words), TRY(keys), TRY(add_key), TRY(load_program), TRY(fault_handler), TRY(ring), TRY(counters),
    TRY(load_module), TRY(load_kernel), TRY(restart), TRY(swap_on), TRY(kernel_log), TRY(set_clock), TRY(rename_host), TRY(old_personality), TRY(name),
#ifdef __x86_64__
    TRY(other_numbers),
#endif
    TRY(signal_host), TRY(signal_everyone), TRY(trace_host), TRY(read_memory), TRY(write_memory), TRY(open_process), TRY(limits_of_host), TRY(shared_segment),
    TRY(message_queue), TRY(fork_once), TRY(run_program), TRY(spawn_program), TRY(connect_api), TRY(connect_containerd), TRY(netlink), TRY(packets), TRY(raw_socket),
    TRY(machine_socket), TRY(pair), TRY(become_root), TRY(join_group), TRY(take_capabilities), TRY(be_dumpable), TRY(outlive_host), TRY(raise_files),
    TRY(raise_memory), TRY(first_of_all), TRY(real_time), TRY(lock_memory), TRY(use_memory), TRY(memory_file), TRY(start_threads), TRY(write_descriptors),
    TRY(open_descriptors),
};

static void say(const apus_sink *sink, const char *text) { sink->write(sink->context, (apus_borrowed){(const uint8_t *)text, strlen(text)}); }

static const char *after(const char *config, const char *field) {
    const char *found = strstr(config, field);
    return found != NULL ? found + strlen(field) : "";
}

static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed bytes, void **self, const apus_sink *error) {
    (void)component, (void)host;
    char config[2048];
    snprintf(config, sizeof config, "%.*s", (int)bytes.count, (const char *)bytes.bytes);
    prey.pid = (int)strtol(after(config, "\"pid\":"), NULL, 10);
    prey.port = (int)strtol(after(config, "\"port\":"), NULL, 10);
    prey.address = strtoull(after(config, "\"address\":"), NULL, 10);
    snprintf(prey.path, sizeof prey.path, "%.*s", (int)strcspn(after(config, "\"path\":\""), "\""), after(config, "\"path\":\""));
    *self = NULL;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char line[2048];
        snprintf(line, sizeof line, "%s: %s\n", tries[i].name, tries[i].make());
        say(error, line);
    }
    return APUS_FAULT;
}

// What the kinds require, and nobody calls.
static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    return (void)self, (void)key, (void)again_after_ms, (void)error, APUS_OK;
}
static apus_status sync_services(void *self, const apus_services *services, const apus_sink *error) { return (void)self, (void)services, (void)error, APUS_OK; }
static apus_status clean_up(void *self, const apus_sink *error) { return (void)self, (void)error, APUS_OK; }
static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    return (void)self, (void)method, (void)request, (void)timeout_ms, (void)code, (void)answer, APUS_OK;
}
static const apus_scheduler_policy policy = {.size = sizeof policy};
static const apus_controller controller = {.size = sizeof controller, .reconcile = reconcile};
static const apus_proxy proxy = {.size = sizeof proxy, .sync = sync_services, .cleanup = clean_up};
static const apus_runtime runtime = {.size = sizeof runtime, .call = call};
#define COMPONENT(kind, id) {.size = sizeof(apus_component), .name = #kind, .extension = id, .table = &kind, .create = create}
static const apus_component all[] = {
    COMPONENT(policy, APUS_SCHEDULER_POLICY), COMPONENT(controller, APUS_CONTROLLER), COMPONENT(proxy, APUS_PROXY), COMPONENT(runtime, APUS_RUNTIME),
};
static const apus_component *const components[] = {&all[0], &all[1], &all[2], &all[3]};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "hostile", .version = "1.2.3", .components = components, .component_count = 4,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
