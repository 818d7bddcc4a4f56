internal import PluginAPI

/// What a write may say beside its object. The default says nothing.
public struct WriteOptions: Hashable, Sendable {
    /// Who will own the fields that are written; empty leaves it to the host.
    public var fieldManager: String
    /// Go through every check, write nothing.
    public var isDryRun: Bool
    /// Of `apply` alone: take over fields that others own.
    public var force: Bool
    /// The object that is there must have these, else the write is refused with `.conflict`. Empty asks nothing. Not for `create`.
    public var uid: String
    public var resourceVersion: String

    public init(fieldManager: String = "", isDryRun: Bool = false, force: Bool = false, uid: String = "", resourceVersion: String = "") {
        self.fieldManager = fieldManager
        self.isDryRun = isDryRun
        self.force = force
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}

extension WriteOptions {
    func withC<R>(_ body: (UnsafePointer<apus_write_options>?) -> R) -> R {
        guard self != WriteOptions() else { return body(nil) }
        return fieldManager.withBorrowed { manager in
            uid.withBorrowed { uid in
                resourceVersion.withBorrowed { version in
                    var options = apus_write_options(
                        size: UInt32(MemoryLayout<apus_write_options>.size),
                        flags: (isDryRun ? APUS_WRITE_DRY_RUN : 0) | (force ? APUS_WRITE_FORCE : 0), field_manager: manager, uid: uid,
                        resource_version: version)
                    return body(&options)
                }
            }
        }
    }

    /// As a host in memory reads them.
    init(_ options: UnsafePointer<apus_write_options>?) {
        guard let options = options?.pointee else {
            self.init()
            return
        }
        self.init(
            fieldManager: options.field_manager.string, isDryRun: options.flags & APUS_WRITE_DRY_RUN != 0,
            force: options.flags & APUS_WRITE_FORCE != 0, uid: options.uid.string, resourceVersion: options.resource_version.string)
    }
}
