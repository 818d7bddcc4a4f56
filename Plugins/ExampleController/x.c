int apus_plugin_entry(void) { return 0; }
