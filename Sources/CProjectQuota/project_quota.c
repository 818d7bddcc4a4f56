#include "project_quota.h"
#include <linux/fs.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

int apus_project_get(int directory, uint32_t *project) {
    struct fsxattr attributes;
    if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0) return -1;
    *project = attributes.fsx_projid;
    return 0;
}

int apus_project_set(int directory, uint32_t project) {
    struct fsxattr attributes;
    if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0) return -1;
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return ioctl(directory, FS_IOC_FSSETXATTR, &attributes);
}

int apus_project_limit(int directory, uint32_t project, uint64_t bytes) {
    struct if_dqblk limits;
    memset(&limits, 0, sizeof limits);
    limits.dqb_bhardlimit = bytes / 1024 + (bytes % 1024 != 0);
    limits.dqb_bsoftlimit = limits.dqb_bhardlimit;
    limits.dqb_valid = QIF_BLIMITS;
    return (int)syscall(SYS_quotactl_fd, directory, QCMD(Q_SETQUOTA, PRJQUOTA), project, &limits);
}
