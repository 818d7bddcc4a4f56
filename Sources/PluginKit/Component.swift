public import APIModel

/// What every component of a library is made of: one instance a manifest.
///
/// The host calls `init`, `start`, the slots of the component's kind from many threads at once, `stop`. An error thrown by any of them
/// becomes a status and a sentence for the operator; it never crosses the boundary as a Swift error.
public protocol Component: Sendable {
    /// The fields of `config` that the component knows; any other is refused by its name before `init`: a typo must not become a default.
    /// By default there are none.
    static var settings: Set<String> { get }

    /// Makes an instance. `config` is the manifest's `config`, an object. Throw `ComponentError.invalid` for a value that is not
    /// acceptable, and name the field.
    init(_ host: Host, config: Value) throws

    /// Begins work; returns when the component can take calls. The default does nothing.
    func start() throws

    /// Ends work: whatever `start` made is gone when it returns. Called in every state, also after a `start` that failed. The default does
    /// nothing.
    func stop()
}

extension Component {
    public static var settings: Set<String> { [] }
    public func start() throws {}
    public func stop() {}
}

/// The error with which a component answers in words of the ABI. Any other error becomes `.fault`, an `APIError` the status of its reason.
public struct ComponentError: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    public static func invalid(_ message: String) -> ComponentError { ComponentError(.invalid, message) }
    public static func unsupported(_ message: String) -> ComponentError { ComponentError(.unsupported, message) }
    public static func unavailable(_ message: String) -> ComponentError { ComponentError(.unavailable, message) }
    public static func fault(_ message: String) -> ComponentError { ComponentError(.fault, message) }
    /// Scheduler policies only: no Node will do as things are, but one might if some Pods made room.
    public static func unschedulable(_ message: String) -> ComponentError { ComponentError(.unschedulable, message) }
    /// Scheduler policies only: no Node will do, whichever Pods made room.
    public static func unresolvable(_ message: String) -> ComponentError { ComponentError(.unresolvable, message) }
}
