# What a plugin is built with. A Makefile sets SDK to what `apus plugin sdk` prints and includes this file.

# A plugin exports its entry point and nothing else, so that two libraries never see each other's symbols; what is not used is left out.
APUS_EXPORTS := --version-script=$(SDK)/plugin.map

# C: $(CC) $(APUS_CFLAGS) plugin.c -o libplugin.so $(APUS_LDFLAGS)
APUS_CFLAGS := -std=c11 -Wall -Wextra -fPIC -I$(SDK)/include
APUS_LDFLAGS := -shared -Wl,$(APUS_EXPORTS) -Wl,--no-undefined

# Swift: swiftc $(APUS_SWIFTFLAGS) Plugin.swift -o libplugin.so $(APUS_SWIFTLIBS) $(APUS_SWIFTLDFLAGS)
APUS_SWIFTFLAGS := -swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault -parse-as-library -O -wmo \
	-I$(SDK)/swift -I$(SDK)/include
APUS_SWIFTLIBS := -L$(SDK)/lib -lapus-plugin-kit -lyaml -lsimdjson -lstdc++
APUS_SWIFTLDFLAGS := -emit-library -Xlinker $(APUS_EXPORTS) -Xlinker --no-undefined -Xlinker --gc-sections
