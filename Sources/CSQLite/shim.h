#include <sqlite3.h>

/// Leaves the write-ahead log alone when `db` is closed. sqlite3_db_config is variadic, which Swift cannot call.
static inline int apus_sqlite3_keep_log_on_close(sqlite3 *db, int keep) { return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, (int *)0); }
