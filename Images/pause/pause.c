// The program that keeps a Pod's namespaces alive: process 1 of every sandbox.
//
// It is one function in a section of its own, compiled with everything else, and becomes an executable when an ELF header is put before it. So the image needs neither
// a C library nor a second link step, and the machine it is built for is always the machine it runs on. The function may refer to nothing outside itself: no globals,
// no library calls, no jump tables.
#include "pause.h"
#include <elf.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
static inline __attribute__((always_inline)) long call(long number, long a, long b, long c, long d) {
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
static inline __attribute__((always_inline)) long call(long number, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#else
#error "the pause program has no system call for this machine"
#endif

#define BIT(signal) (1UL << ((signal) - 1))

// Sanitizers and profiling would call into libraries that are not there; frame pointers and stack guards are of no use to a function that never returns.
__attribute__((section("apus_pause"), used, noreturn, disable_sanitizer_instrumentation, no_profile_instrument_function, no_stack_protector)) static void pause_program(void) {
    // The signals stay blocked and are taken one by one, so that no handler is needed. A blocked signal also reaches a process 1, which ignores it otherwise.
    volatile unsigned long wanted = BIT(SIGCHLD) | BIT(SIGTERM) | BIT(SIGINT);
    call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&wanted, 0, sizeof wanted);
    for (;;) {
        long signal = call(SYS_rt_sigtimedwait, (long)&wanted, 0, 0, sizeof wanted);
        if (signal == SIGTERM || signal == SIGINT) call(SYS_exit_group, 0, 0, 0, 0);
        if (signal == SIGCHLD) {
            while (call(SYS_wait4, -1, 0, WNOHANG, 0) > 0) {}
        }
    }
}

// The linker makes these two for a section whose name is a C identifier.
extern const uint8_t __start_apus_pause[] __attribute__((visibility("hidden")));
extern const uint8_t __stop_apus_pause[] __attribute__((visibility("hidden")));

const uint8_t *apus_pause_code(void) { return __start_apus_pause; }
uint64_t apus_pause_code_size(void) { return (uint64_t)(__stop_apus_pause - __start_apus_pause); }
uint16_t apus_pause_machine(void) { return MACHINE; }
