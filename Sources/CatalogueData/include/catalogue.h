#pragma once

#include <stdint.h>

/// A text table inside the program's constant data.
typedef struct apus_table {
    const uint8_t *_Nonnull bytes;
    uint64_t count;
} apus_table;

/// The kinds of the Kubernetes API, catalogue.txt, after them those that upstream has in an add-on, metrics.txt, our own, plugins.txt, and by what all of them are selected, fields.txt.
apus_table apus_catalogue(void);

/// Kinds of Kubernetes that no resource serves, unserved.txt.
apus_table apus_catalogue_unserved(void);

/// The messages of the Container Runtime Interface, cri.txt.
apus_table apus_catalogue_cri(void);

/// The messages of the Container Storage Interface on a node, csi.txt.
apus_table apus_catalogue_csi(void);

/// The messages of plugins of devices, and of who has what on a node, devices.txt.
apus_table apus_catalogue_devices(void);

/// The messages of plugins that keep keys, and what is stored of an object under such a key, kms.txt.
apus_table apus_catalogue_kms(void);

/// What `kubectl explain` says of types and their fields, descriptions.txt.
apus_table apus_descriptions(void);
