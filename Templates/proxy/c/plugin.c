// {{NAME}}: a service proxy in C. Sends what goes to a Service to one of its endpoints, with nftables.

#define _POSIX_C_SOURCE 200809L // open_memstream
#include "apus/apus.h"
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE "apus-{{NAME}}"
// Takes the table away, whether it is there or not.
#define REMOVAL "add table ip " TABLE "\ndelete table ip " TABLE "\n"

// One instance a manifest.
typedef struct proxy {
    struct nft_ctx *nft;
    void *context; // goes with every call to the host
    const apus_host_log *log; // null on a host without one
} proxy;

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

static void put_address(FILE *to, const apus_address *address) {
    fprintf(to, "%d.%d.%d.%d", address->bytes[0], address->bytes[1], address->bytes[2], address->bytes[3]);
}

// `dnat …`: sends a new connection to one of the endpoints, at random; the kernel remembers which.
static void put_targets(FILE *to, const apus_services *wanted, const apus_service_port *service, uint32_t count) {
    fprintf(to, " dnat ip to numgen random mod %u map {", count);
    uint32_t number = 0;
    for (uint32_t index = 0; index < service->endpoint_count; index++) {
        const apus_endpoint *endpoint = &wanted->endpoints[service->endpoint_first + index];
        if (endpoint->address.family != 4) continue;
        fprintf(to, "%s %u : ", number ? "," : "", number);
        put_address(to, &endpoint->address);
        fprintf(to, " . %u", endpoint->port);
        number++;
    }
    fputs(" }\n", to);
}

// A rule for each address that the port of the Service has: the ClusterIP, those from outside, and a port of the Node.
static void put_service(FILE *to, const apus_services *wanted, const apus_service_port *service) {
    const char *protocol = service->protocol == 6 ? "tcp" : service->protocol == 17 ? "udp" : "sctp";
    uint32_t count = 0;
    for (uint32_t index = 0; index < service->endpoint_count; index++) count += wanted->endpoints[service->endpoint_first + index].address.family == 4;
    if (count == 0) return; // there is nowhere to send it
    for (uint32_t index = 0; index <= service->external_count; index++) {
        const apus_address *address = index < service->external_count ? &wanted->addresses[service->external_first + index] : &service->cluster_ip;
        if (address->family != 4) continue;
        fputs("    ip daddr ", to);
        put_address(to, address);
        fprintf(to, " %s dport %u", protocol, service->port);
        put_targets(to, wanted, service, count);
    }
    if (service->node_port == 0) return;
    fprintf(to, "    ip daddr != 127.0.0.0/8 fib daddr type local %s dport %u", protocol, service->node_port);
    put_targets(to, wanted, service, count);
}

// All that is wanted, as commands for nftables: one transaction, in force as a whole or not at all. To be freed.
static char *ruleset(const apus_services *wanted) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return NULL;
    fputs(REMOVAL "table ip " TABLE " {\n  chain services {\n", to);
    for (uint32_t index = 0; index < wanted->service_count; index++) put_service(to, wanted, &wanted->services[index]);
    fputs("  }\n"
          "  chain prerouting { type nat hook prerouting priority dstnat; jump services; }\n"
          "  chain output { type nat hook output priority -100; jump services; }\n"
          // Answers come back through this Node, also from an endpoint beside the client.
          "  chain postrouting { type nat hook postrouting priority srcnat; oifname != \"lo\" ct status dnat masquerade; }\n"
          "}\n",
          to);
    if (fclose(to) == 0) return text;
    free(text);
    return NULL;
}

// Names a new Service that wants more.
static void warn(const proxy *proxy, const apus_service_port *service) {
    int is_plain = service->cluster_ip.family != 6 && !service->affinity_seconds && !(service->flags & (APUS_SERVICE_EXTERNAL_LOCAL | APUS_SERVICE_INTERNAL_LOCAL));
    if (is_plain || !(service->flags & APUS_SERVICE_CHANGED) || !proxy->log) return;
    char line[640];
    snprintf(line, sizeof line, "Service %.*s/%.*s: IPv6, session affinity and traffic policies are not carried", (int)service->namespace_.count,
             (const char *)service->namespace_.bytes, (int)service->name.count, (const char *)service->name.bytes);
    proxy->log->write(proxy->context, APUS_LOG_WARNING, lend(line));
}

static apus_status run(proxy *proxy, const char *commands, const apus_sink *error) {
    if (commands && nft_run_cmd_from_buffer(proxy->nft, commands) == 0) return APUS_OK;
    error->write(error->context, lend(commands ? nft_ctx_get_error_buffer(proxy->nft) : "out of memory"));
    return APUS_FAULT;
}

static apus_status sync_services(void *self, const apus_services *wanted, const apus_sink *error) {
    char *commands = ruleset(wanted);
    apus_status status = run(self, commands, error);
    free(commands);
    for (uint32_t index = 0; status == APUS_OK && index < wanted->service_count; index++) warn(self, &wanted->services[index]);
    return status;
}

// Also called without a `sync` before it.
static apus_status cleanup(void *self, const apus_sink *error) { return run(self, REMOVAL, error); }

static const apus_proxy table = {.size = sizeof table, .sync = sync_services, .cleanup = cleanup};

static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component;
    if (config.count != 2) { // anything but `{}`
        error->write(error->context, lend("config: there are no settings, and this has "));
        error->write(error->context, config);
        return APUS_INVALID;
    }
    proxy *made = calloc(1, sizeof *made);
    if (made) made->nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!made || !made->nft) {
        error->write(error->context, lend("libnftables could not start"));
        free(made);
        return APUS_FAULT;
    }
    nft_ctx_buffer_output(made->nft);
    nft_ctx_buffer_error(made->nft);
    made->context = host->context;
    made->log = host->service(host->context, APUS_HOST_LOG);
    *self = made;
    return APUS_OK;
}

static void destroy(void *self) {
    proxy *proxy = self;
    nft_ctx_free(proxy->nft);
    free(proxy);
}

static const apus_component component = {
    .size = sizeof component, .name = "{{NAME}}", .extension = APUS_PROXY, .table = &table, .create = create, .destroy = destroy,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "{{NAME}}", .version = "0.1.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
