#ifndef APUS_PROXY_H
#define APUS_PROXY_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_PROXY "apus.proxy/1"

/// An IPv4 address has `family` 4 and stands in the first four bytes, an IPv6 address has 6; 0 means none.
typedef struct apus_address {
    uint8_t bytes[16];
    uint8_t family;
    uint8_t reserved[3];
} apus_address;

#define APUS_ENDPOINT_READY ((uint32_t)1)
#define APUS_ENDPOINT_SERVING ((uint32_t)2)
#define APUS_ENDPOINT_TERMINATING ((uint32_t)4)
#define APUS_ENDPOINT_LOCAL ((uint32_t)8) // on this Node

typedef struct apus_endpoint {
    apus_address address;
    uint32_t port;
    uint32_t flags;
} apus_endpoint;

#define APUS_SERVICE_EXTERNAL_LOCAL ((uint32_t)1) // externalTrafficPolicy: Local
#define APUS_SERVICE_INTERNAL_LOCAL ((uint32_t)2) // internalTrafficPolicy: Local
#define APUS_SERVICE_CHANGED ((uint32_t)4) // new, or other than in the generation before

/// One port of one Service.
typedef struct apus_service_port {
    uint64_t id; // the same for the same namespace, name and port name, for the life of the process
    apus_borrowed namespace_;
    apus_borrowed name;
    apus_borrowed port_name; // may be empty
    int32_t protocol; // 6 TCP, 17 UDP, 132 SCTP
    uint32_t port;
    uint32_t node_port; // 0 means none
    uint32_t affinity_seconds; // 0 means no session affinity
    uint32_t flags;
    uint32_t health_check_node_port; // 0 means none
    apus_address cluster_ip;
    uint32_t external_first, external_count; // into `addresses`: externalIPs and load-balancer addresses
    uint32_t endpoint_first, endpoint_count; // into `endpoints`; every endpoint that may get traffic, chosen by the loop
} apus_service_port;

/// All that is wanted, whole, and what is new in it.
typedef struct apus_services {
    uint32_t size; // sizeof(apus_services) where the host was compiled
    uint32_t service_count;
    uint64_t generation; // grows by one with each call
    uint64_t previous; // the generation APUS_SERVICE_CHANGED and `removed` compare with; 0 the first time, and when everything must be written anew
    const apus_service_port *APUS_NULLABLE services; // ordered by id
    const apus_endpoint *APUS_NULLABLE endpoints;
    const apus_address *APUS_NULLABLE addresses;
    const uint64_t *APUS_NULLABLE removed; // ids that were in the previous generation
    uint32_t endpoint_count;
    uint32_t address_count;
    uint32_t removed_count;
    uint32_t node_address_count; // the Node's own addresses, first of `addresses`: where node ports listen
    apus_borrowed pod_cidr; // of the cluster, `10.244.0.0/16`; traffic from elsewhere to a ClusterIP is masqueraded
} apus_services;

/// Makes the kernel, or whatever carries the traffic, do what is wanted.
typedef struct apus_proxy {
    uint32_t size; // sizeof(apus_proxy) where the plugin was compiled

    /// Puts the wanted state in force, all of it or nothing: on OK it is in force, on anything else the state before still is and the sink gets one sentence; the loop
    /// then calls again with `previous` of zero.
    /// [control & running]
    apus_status (*APUS_NONNULL sync)(void *APUS_NULLABLE self, const apus_services *APUS_NONNULL wanted, const apus_sink *APUS_NONNULL error);

    /// Removes everything the plugin ever put in place. Also called when the cluster is taken down, without a `sync` before it.
    /// [control & loaded, running, stopped]
    apus_status (*APUS_NONNULL cleanup)(void *APUS_NULLABLE self, const apus_sink *APUS_NONNULL error);
} apus_proxy;

#ifdef __cplusplus
}
#endif
#endif
