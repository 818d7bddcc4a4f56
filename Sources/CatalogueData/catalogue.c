const unsigned char apus_catalogue[]={0};
