// A destroy that still uses the API.
#define DESTROY destroy
static void destroy(void *self);
#include "controller.h"
static void destroy(void *self) {
    controller *me = self;
    apus_object_ref ref = {.size = sizeof ref, .resource = lend("v1/namespaces"), .name = lend("default")};
    me->objects->get(me->context, &ref, &(apus_sink){sizeof(apus_sink), NULL, drop});
    free(me);
}
