#define apus_plugin_entry some_other_entry
#include "fixture.h"
