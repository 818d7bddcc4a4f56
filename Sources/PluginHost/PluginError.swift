/// Why a plugin cannot be used. `message` says what happened and what the operator can do about it.
public struct PluginError: Error, Sendable, CustomStringConvertible {
    public var code: Code
    /// The name from the manifest; the manifest's file where there is no name yet.
    public var plugin: String
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, plugin: String, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.plugin = plugin
        self.message = message
        self.cause = cause
    }

    public var description: String { "plugin \(plugin): \(message)" }

    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case invalidManifest, duplicateName, missingLibrary, pinMismatch, unloadable, incompatibleABI, wrongDescriptor, initFailed,
                startFailed, fault
        }
        private let name: Name
        public var description: String { name.rawValue }

        /// The manifest cannot be read, or says something that makes no sense.
        public static let invalidManifest = Code(name: .invalidManifest)
        /// Two manifests of one name, or two plugins where the host takes one.
        public static let duplicateName = Code(name: .duplicateName)
        /// The library is in none of the plugin directories.
        public static let missingLibrary = Code(name: .missingLibrary)
        /// The library is not the one whose SHA-256 the manifest pins.
        public static let pinMismatch = Code(name: .pinMismatch)
        /// The dynamic linker refused the library, or it has no entry point.
        public static let unloadable = Code(name: .unloadable)
        public static let incompatibleABI = Code(name: .incompatibleABI)
        /// The library does not offer what the manifest says, or its tables are too small or have holes.
        public static let wrongDescriptor = Code(name: .wrongDescriptor)
        /// `create` refused.
        public static let initFailed = Code(name: .initFailed)
        /// `start` refused.
        public static let startFailed = Code(name: .startFailed)
        /// The plugin answered with something that makes no sense, or its process ended.
        public static let fault = Code(name: .fault)
    }
}
