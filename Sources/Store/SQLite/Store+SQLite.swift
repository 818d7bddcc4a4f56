public import Logging

extension Store {
    /// Opens the store in the SQLite database at `path`, or makes it. One store per file: a second one, in this or another process, is
    /// refused.
    ///
    /// - Throws: `StoreError` with code `.engine`, which names the file and what to do. A file that is damaged or not a store is left as it
    ///   is.
    public convenience init(path: String, options: Options = Options(), log: Logger) throws(StoreError) {
        try self.init(engine: SQLiteEngine(path: path, options: options), at: path, options: options, log: log)
    }
}
