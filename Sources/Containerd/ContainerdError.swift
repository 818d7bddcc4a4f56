/// What went wrong with containerd or an image, and what the operator can do.
public struct ContainerdError: Error, Sendable, CustomStringConvertible {
    /// What kind of mistake it is.
    public struct Code: Hashable, Sendable {
        private enum Kind { case missing, notAllowed, failed, timedOut, badArchive }
        private let kind: Kind

        /// A program or a file that must be installed is not there.
        public static let missing = Code(kind: .missing)
        /// The process lacks the right to do it.
        public static let notAllowed = Code(kind: .notAllowed)
        /// A program or a system call failed.
        public static let failed = Code(kind: .failed)
        /// The deadline passed.
        public static let timedOut = Code(kind: .timedOut)
        /// The file is no image archive.
        public static let badArchive = Code(kind: .badArchive)
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
