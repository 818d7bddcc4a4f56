// An admission plugin in C: lets no Pod be written whose image may be another one tomorrow, because it has no tag or the tag `latest`.
//
// It is what a validating webhook would be, without a server, a certificate and a network: one function that gets the object as JSON and answers OK or DENIED. Build it with any
// C compiler against the headers in Sources/PluginAPI/include, put the library into a plugin directory and plugin-manifests/example-admission.yaml beside the other manifests:
//
//     cc -shared -fPIC -ISources/PluginAPI/include Plugins/ExampleAdmission/admission.c -o libexample-admission.so

#include "apus/apus.h"
#include <string.h>

static void write_text(const apus_sink *sink, const char *text) { sink->write(sink->context, (apus_borrowed){(const uint8_t *)text, strlen(text)}); }

// Whether the image is the same one whenever it is pulled, as far as its name says so: it has a digest, or a tag that is not `latest`. A colon before a slash is a registry's port.
static int is_fixed(apus_borrowed image) {
    uint64_t tag = 0;
    for (uint64_t i = 0; i < image.count; i++) {
        if (image.bytes[i] == '@') return 1;
        if (image.bytes[i] == ':') tag = i + 1;
        if (image.bytes[i] == '/') tag = 0;
    }
    return tag > 0 && tag < image.count && !(image.count - tag == 6 && memcmp(image.bytes + tag, "latest", 6) == 0);
}

// Called by many threads at once, for each request that the manifest's rules name. Everything is lent: nothing is copied or allocated.
static apus_status validate(void *self, const apus_admission_request *request, int32_t *code, const apus_admission_notes *notes, const apus_sink *reason) {
    (void)self, (void)code, (void)notes;
    static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
    const apus_borrowed spec = apus_json_get(request->object, "spec");
    for (uint64_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        apus_borrowed rest = apus_json_get(spec, lists[i]), container;
        while (apus_json_next(&rest, &container)) {
            const apus_borrowed image = apus_json_text(apus_json_get(container, "image"));
            if (image.count == 0 || is_fixed(image)) continue; // that there must be an image is for others to say
            write_text(reason, "the image ");
            reason->write(reason->context, image);
            write_text(reason, " of container ");
            reason->write(reason->context, apus_json_text(apus_json_get(container, "name")));
            write_text(reason, " may be another one tomorrow: give it a tag other than latest, or a digest");
            return APUS_DENIED;
        }
    }
    return APUS_OK;
}

// Slots that are left out are null: this plugin changes no object.
static const apus_admission admission = {.size = sizeof admission, .validate = validate};

// There is nothing to remember, so there is no instance: `self` is null everywhere. Nor is there anything to configure, and a setting that has no effect is refused.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = 0;
    if (config.count == 2) return APUS_OK; // `{}`
    write_text(error, "config: there are no settings, and this has ");
    error->write(error->context, config);
    return APUS_INVALID;
}

static const apus_component component = {
    .size = sizeof component, .name = "fixed-images", .extension = APUS_ADMISSION, .table = &admission, .create = create,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "example-admission", .version = "1.0.0",
        .components = components, .component_count = 1,
    };
    return &plugin;
}
