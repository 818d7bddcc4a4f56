/// Says by which terms records can be found. The store knows nothing of what is in them.
///
/// The same content has the same terms at all times. Called from any thread, at most once for a record.
public protocol Indexer: Sendable {
    /// Of something that is about to be written.
    func terms(of body: Body, in collection: String) -> [Term]
    /// Of something that was read from disk, or that somebody else has written.
    func terms(of record: Record) -> [Term]
}
