#include "catalogue.h"

// One table of four texts: what the project adds to the API is told beside what it repeats.
static const uint8_t kinds[] = {
#embed "catalogue.txt"
    ,
#embed "metrics.txt"
    ,
#embed "plugins.txt"
    ,
#embed "fields.txt"
};

static const uint8_t unserved[] = {
#embed "unserved.txt"
};

static const uint8_t cri[] = {
#embed "cri.txt"
};

static const uint8_t csi[] = {
#embed "csi.txt"
};

static const uint8_t devices[] = {
#embed "devices.txt"
};

static const uint8_t kms[] = {
#embed "kms.txt"
};

static const uint8_t descriptions[] = {
#embed "descriptions.txt"
};

apus_table apus_catalogue(void) { return (apus_table){kinds, sizeof kinds}; }

apus_table apus_catalogue_unserved(void) { return (apus_table){unserved, sizeof unserved}; }

apus_table apus_catalogue_cri(void) { return (apus_table){cri, sizeof cri}; }

apus_table apus_catalogue_csi(void) { return (apus_table){csi, sizeof csi}; }

apus_table apus_catalogue_devices(void) { return (apus_table){devices, sizeof devices}; }

apus_table apus_catalogue_kms(void) { return (apus_table){kms, sizeof kms}; }

apus_table apus_descriptions(void) { return (apus_table){descriptions, sizeof descriptions}; }
