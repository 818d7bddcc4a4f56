int x_sj(void);
