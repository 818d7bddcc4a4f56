#define _GNU_SOURCE
#include "measuring.h"

#include <malloc.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t apus_heap_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

int apus_leave_network(void) {
    if (unshare(CLONE_NEWNET) < 0) return -1;
    int link = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (link < 0) return -1;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int answer = ioctl(link, SIOCSIFFLAGS, &request);
    close(link);
    return answer;
}
