#define _GNU_SOURCE
#include "measuring.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
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
    // Loopback's usual address has host scope, and masquerading never picks one of those. The netmask follows from the class of the address.
    struct ifreq second = {.ifr_name = "lo:1"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
    memcpy(&second.ifr_addr, &address, sizeof address);
    if (answer == 0) answer = ioctl(link, SIOCSIFADDR, &second);
    close(link);
    return answer;
}
