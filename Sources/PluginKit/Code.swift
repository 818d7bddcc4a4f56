public import PluginAPI

extension ComponentError {
    /// A status of the ABI other than OK.
    public struct Code: Hashable, Sendable, RawRepresentable {
        public var rawValue: apus_status
        public init(rawValue: apus_status) { self.rawValue = rawValue }

        public static let fault = Code(rawValue: APUS_FAULT)
        public static let unsupported = Code(rawValue: APUS_UNSUPPORTED)
        public static let invalid = Code(rawValue: APUS_INVALID)
        public static let notFound = Code(rawValue: APUS_NOT_FOUND)
        public static let alreadyExists = Code(rawValue: APUS_ALREADY_EXISTS)
        public static let conflict = Code(rawValue: APUS_CONFLICT)
        public static let forbidden = Code(rawValue: APUS_FORBIDDEN)
        public static let cancelled = Code(rawValue: APUS_CANCELLED)
        public static let unavailable = Code(rawValue: APUS_UNAVAILABLE)
        public static let unschedulable = Code(rawValue: APUS_UNSCHEDULABLE)
        public static let unresolvable = Code(rawValue: APUS_UNRESOLVABLE)
        public static let retry = Code(rawValue: APUS_RETRY)
        public static let denied = Code(rawValue: APUS_DENIED)
        public static let wait = Code(rawValue: APUS_WAIT)
    }
}
