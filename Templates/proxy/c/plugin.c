// {{NAME}}: a service proxy in C. Writes what Services want into a file, a line for each port of each Service.

#include "apus/apus.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef OUTPUT
#define OUTPUT "/run/{{NAME}}.services"
#endif

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

static apus_status fail(const apus_sink *error, const char *what) {
    char line[256];
    snprintf(line, sizeof line, "%s: %s", what, strerror(errno));
    error->write(error->context, lend(line));
    return APUS_FAULT;
}

static void put_text(FILE *to, apus_borrowed text) {
    if (text.count) fwrite(text.bytes, 1, text.count, to);
}

static void put_address(FILE *to, const apus_address *address, uint32_t port) {
    char text[INET6_ADDRSTRLEN] = "none";
    if (address->family) inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, text, sizeof text);
    fprintf(to, address->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
}

// `tcp 10.96.0.10:53 kube-system/dns:dns-tcp -> 10.244.0.5:53 10.244.0.6:53`
static void put_service(FILE *to, const apus_services *wanted, const apus_service_port *service) {
    fputs(service->protocol == 6 ? "tcp " : service->protocol == 17 ? "udp " : "sctp ", to);
    put_address(to, &service->cluster_ip, service->port);
    fputc(' ', to);
    put_text(to, service->namespace_);
    fputc('/', to);
    put_text(to, service->name);
    if (service->port_name.count) fputc(':', to);
    put_text(to, service->port_name);
    fputs(" ->", to);
    for (uint32_t index = 0; index < service->endpoint_count; index++) {
        const apus_endpoint *endpoint = &wanted->endpoints[service->endpoint_first + index];
        fputc(' ', to);
        put_address(to, &endpoint->address, endpoint->port);
    }
    fputc('\n', to);
}

// All of it or nothing: a new file is written beside the old one and takes its name.
static apus_status sync_services(void *self, const apus_services *wanted, const apus_sink *error) {
    (void)self;
    FILE *file = fopen(OUTPUT ".new", "w");
    if (!file) return fail(error, OUTPUT ".new");
    for (uint32_t index = 0; index < wanted->service_count; index++) put_service(file, wanted, &wanted->services[index]);
    int is_lost = ferror(file);
    if (fclose(file) != 0 || is_lost || rename(OUTPUT ".new", OUTPUT) != 0) {
        apus_status status = fail(error, OUTPUT);
        unlink(OUTPUT ".new");
        return status;
    }
    return APUS_OK;
}

// Also called without a `sync` before it.
static apus_status cleanup(void *self, const apus_sink *error) {
    (void)self;
    return unlink(OUTPUT) == 0 || errno == ENOENT ? APUS_OK : fail(error, OUTPUT);
}

static const apus_proxy table = {.size = sizeof table, .sync = sync_services, .cleanup = cleanup};

// There is nothing to remember, so there is no instance: `self` is null everywhere.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = NULL;
    if (config.count == 2) return APUS_OK; // `{}`
    error->write(error->context, lend("config: there are no settings"));
    return APUS_INVALID;
}

static const apus_component component = {
    .size = sizeof component, .name = "{{NAME}}", .extension = APUS_PROXY, .table = &table, .create = create,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "{{NAME}}", .version = "0.1.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
