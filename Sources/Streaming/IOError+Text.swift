import Glibc
package import NIOCore

extension IOError {
    /// `connection refused`
    package var reasonText: String { String(cString: strerror(errnoCode)).lowercased() }
}
