internal import ArgumentParser
internal import FileSystem

/// Of which of the machine's clusters a role by itself is.
struct ClusterNameOptions: ParsableArguments {
    @Option(
        help:
            "The cluster's name on this machine, where it has nodes of several: what it leaves in the kernel is called and numbered after it. Default: the one without a name."
    )
    var name: String?

    private var given: String? { name == ClusterName.unnamed ? nil : name }

    func validate() throws {
        guard name.map(ClusterName.isName) ?? true else {
            throw ValidationError("--name: \(name ?? "") is no name: lower-case letters, digits and -, 40 at most")
        }
    }

    /// The cluster, which has a number from now on.
    ///
    /// - Parameter directory: by which it is known as long as that is there; without one, until the machine starts anew.
    /// - Throws: `StartupFailure` where it can have none.
    @discardableResult
    func join(at directory: String? = nil) throws -> ClusterName {
        guard let given else { return .first }
        let place = directory ?? "/run/apus-\(given)"
        do { try Files.makeDirectory(place, mode: 0o700) } catch { throw StartupFailure("\(place) cannot be made: \(error)") }
        return try ClusterRegistry().join(given, directory: place)
    }

    /// The cluster, once it was joined.
    var cluster: ClusterName { given.flatMap { ClusterRegistry().entry($0)?.cluster } ?? .first }
    /// Whether there is nothing of it here.
    var isUnknown: Bool { given.map { ClusterRegistry().entry($0) == nil } ?? false }
}
