internal import FileSystem
internal import Glibc

extension ContainerdError {
    init(_ failure: Files.Failure) {
        self.init(Code(system: failure.code), "cannot \(failure)")
    }

    /// Does what may fail on the disk, and tells it as an error of this module.
    static func telling<R>(_ work: () throws(Files.Failure) -> R) throws(ContainerdError) -> R {
        do throws(Files.Failure) { return try work() } catch { throw ContainerdError(error) }
    }

    /// The error of the system call that just failed.
    static func system(_ what: String) -> ContainerdError {
        let number = errno
        return ContainerdError(Code(system: number), "\(what): \(String(cString: strerror(number)))")
    }
}

extension ContainerdError.Code {
    /// Of an `errno`.
    fileprivate init(system number: Int32) { self = number == EACCES || number == EPERM ? .notAllowed : .failed }
}
