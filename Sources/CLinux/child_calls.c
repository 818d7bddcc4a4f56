// The system calls of a plugin's child: a program for the kernel's filter, put together from tables.
#define _GNU_SOURCE
#include "child_process.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which system calls a plugin may make is not known for this processor"
#endif

// Numbers that this machine's headers may be too old for; they are the same on all processors.
enum { call_process_madvise = 440, call_memfd_secret = 447, call_process_mrelease = 448, call_open_tree_attr = 467 };

static const int few[] = {
    // Memory.
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_mincore, SYS_msync, SYS_membarrier,
    // Threads, and how they wait for each other.
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_exit, SYS_exit_group, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam,
    SYS_sched_getscheduler, SYS_sched_get_priority_min, SYS_sched_get_priority_max, SYS_getcpu, SYS_gettid, SYS_wait4, SYS_waitid,
    // Signals. There is nobody to send any to but itself.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_sigaltstack, SYS_restart_syscall, SYS_kill, SYS_tkill,
    SYS_tgkill,
    // Time.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_times, SYS_getitimer, SYS_setitimer, SYS_timer_create, SYS_timer_settime,
    SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
    // What it is.
    SYS_getpid, SYS_getppid, SYS_getpgid, SYS_getsid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_capget, SYS_uname,
    SYS_sysinfo, SYS_getrusage, SYS_getpriority, SYS_umask, SYS_getrandom, SYS_prlimit64, SYS_getrlimit, SYS_setrlimit,
    // Descriptors, and the files of its own root.
    SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_preadv2, SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_lseek, SYS_close, SYS_close_range, SYS_dup,
    SYS_dup3, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_openat, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_getcwd,
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd2, SYS_pipe2, SYS_signalfd4, SYS_sendto, SYS_recvfrom, SYS_sendmsg,
    SYS_recvmsg, SYS_shutdown, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
#ifdef __x86_64__
    // The same in older words.
    SYS_arch_prctl, SYS_time, SYS_pause, SYS_alarm, SYS_getpgrp, SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_getdents, SYS_poll, SYS_select, SYS_epoll_create,
    SYS_epoll_wait, SYS_eventfd, SYS_pipe, SYS_signalfd, SYS_dup2,
#endif
};

static const int sockets[] = {
    SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_setsockopt, SYS_sendmmsg, SYS_recvmmsg, SYS_splice, SYS_ioctl,
};

static const int dangerous[] = {
    // Other processes.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, call_process_madvise, call_process_mrelease, SYS_kcmp, SYS_pidfd_getfd, SYS_move_pages, SYS_migrate_pages,
    // The kernel.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_init_module, SYS_finit_module, SYS_delete_module,
    SYS_kexec_load, SYS_kexec_file_load, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_syslog, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_quotactl_fd,
    SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_vhangup, SYS_lookup_dcookie, SYS_fanotify_init, SYS_open_by_handle_at, call_memfd_secret,
    // Namespaces.
    SYS_unshare, SYS_setns, SYS_sethostname, SYS_setdomainname, SYS_chroot, SYS_pivot_root, SYS_mount, SYS_umount2, SYS_move_mount, SYS_open_tree, call_open_tree_attr,
    SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr,
#ifdef __x86_64__
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs,
#endif
};

enum { namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET };

// PR_SET_VMA names what the allocator maps.
static const unsigned own_affairs[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, 0x53564d41};
static const unsigned plain_requests[] = {TCGETS, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};
static const unsigned pairs[] = {AF_UNIX};
static const unsigned families[] = {AF_INET, AF_INET6, AF_NETLINK};

// The program so far. A rule is a test of the call's number and an answer, so no jump is longer than one rule.
typedef struct program {
    struct sock_filter code[1024];
    unsigned short count;
} program;

static const uint32_t allow = SECCOMP_RET_ALLOW, refuse = SECCOMP_RET_ERRNO | EPERM, absent = SECCOMP_RET_ERRNO | ENOSYS;

static void add(program *program, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false) {
    program->code[program->count++] = (struct sock_filter){code, if_true, if_false, value};
}

static void load(program *program, size_t offset) { add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }
static void answer(program *program, uint32_t what) { add(program, BPF_RET | BPF_K, what, 0, 0); }
static void unless_equal(program *program, uint32_t value, uint8_t skipped) { add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped); }

// The lower half, which is all that the kernel looks at in the arguments that rules are about.
static void load_argument(program *program, int index) {
    load(program, offsetof(struct seccomp_data, args) + 8 * (size_t)index + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
}

static void rule(program *program, int call, uint32_t what) {
    unless_equal(program, (uint32_t)call, 1);
    answer(program, what);
}

static void rules(program *program, const int *calls, size_t count, uint32_t what) {
    for (size_t i = 0; i < count; i++) rule(program, calls[i], what);
}

// Allowed where the argument is one of the values.
static void rule_of_values(program *program, int call, int argument, const unsigned *values, size_t count) {
    unless_equal(program, (uint32_t)call, (uint8_t)(2 + 2 * count));
    load_argument(program, argument);
    for (size_t i = 0; i < count; i++) {
        unless_equal(program, values[i], 1);
        answer(program, allow);
    }
    answer(program, refuse);
}

// Allowed where the first argument has the `wanted` bits and none of the `unwanted`.
static void rule_of_bits(program *program, int call, uint32_t wanted, uint32_t unwanted) {
    unless_equal(program, (uint32_t)call, 5);
    load_argument(program, 0);
    add(program, BPF_ALU | BPF_AND | BPF_K, wanted | unwanted, 0, 0);
    unless_equal(program, wanted, 1);
    answer(program, allow);
    answer(program, refuse);
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void build(program *program, int set) {
    load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    // Another way to call everything, with numbers of its own from here on.
    add(program, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    answer(program, refuse);
#endif
    // Its flags lie in memory, where no filter can look: the C library goes on with `clone`.
    rule(program, SYS_clone3, absent);
    if (set == APUS_CALLS_MOST) {
        rule_of_bits(program, SYS_clone, 0, namespaces);
        rules(program, dangerous, COUNT(dangerous), refuse);
        return answer(program, allow);
    }
    // Threads, and no processes.
    rule_of_bits(program, SYS_clone, CLONE_VM | CLONE_THREAD, namespaces);
    rule_of_values(program, SYS_prctl, 0, own_affairs, COUNT(own_affairs));
    rule_of_values(program, SYS_socketpair, 0, pairs, COUNT(pairs));
    if (set == APUS_CALLS_NETWORK) {
        rule_of_values(program, SYS_socket, 0, families, COUNT(families));
        rules(program, sockets, COUNT(sockets), allow);
    } else {
        rule_of_values(program, SYS_ioctl, 1, plain_requests, COUNT(plain_requests));
    }
    rules(program, few, COUNT(few), allow);
    answer(program, refuse);
}

int apus_child_calls(int set) {
    static program program;
    program.count = 0;
    build(&program, set);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){program.count, program.code}, 0, 0);
}
