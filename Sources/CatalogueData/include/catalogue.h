extern const unsigned char apus_catalogue[];
