#include "catalogue.h"

static const uint8_t kinds[] = {
#embed "catalogue.txt"
};

static const uint8_t cri[] = {
#embed "cri.txt"
};

apus_table apus_catalogue(void) { return (apus_table){kinds, sizeof kinds}; }

apus_table apus_catalogue_cri(void) { return (apus_table){cri, sizeof cri}; }
