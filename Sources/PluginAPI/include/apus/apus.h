#ifndef APUS_H
#define APUS_H
#include "apus/admission.h"
#include "apus/controller.h"
#include "apus/host.h"
#include "apus/json.h"
#include "apus/plugin.h"
#include "apus/proxy.h"
#include "apus/runtime.h"
#include "apus/scheduler_policy.h"
#include "apus/types.h"
#endif
