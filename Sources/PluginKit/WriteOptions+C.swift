internal import APIModel
internal import PluginAPI

extension WriteOptions {
    /// As the header has them. A plugin has nobody to show a warning to, so `.warn` says no more than `.ignore`.
    func withC<R>(_ body: (UnsafePointer<apus_write_options>?) -> R) -> R {
        guard self != WriteOptions() else { return body(nil) }
        let flags =
            (isDryRun ? APUS_WRITE_DRY_RUN : 0) | (force == true ? APUS_WRITE_FORCE : 0)
            | (fieldValidation == .strict ? APUS_WRITE_STRICT : 0)
        return fieldManager.withBorrowed { manager in
            (preconditions.uid ?? "").withBorrowed { uid in
                (preconditions.resourceVersion ?? "").withBorrowed { version in
                    var options = apus_write_options(
                        size: UInt32(MemoryLayout<apus_write_options>.size), flags: flags, field_manager: manager, uid: uid,
                        resource_version: version)
                    return body(&options)
                }
            }
        }
    }

    /// As a host in memory reads them, which knows no kinds and finds no field unknown.
    init(_ options: UnsafePointer<apus_write_options>?) {
        self.init()
        guard let options = options?.pointee else { return }
        fieldManager = options.field_manager.string
        isDryRun = options.flags & APUS_WRITE_DRY_RUN != 0
        force = options.flags & APUS_WRITE_FORCE != 0 ? true : nil
        preconditions = Preconditions(
            uid: options.uid.count == 0 ? nil : options.uid.string,
            resourceVersion: options.resource_version.count == 0 ? nil : options.resource_version.string)
    }
}
