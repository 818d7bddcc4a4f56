public import APIModel

/// What an admission plugin said of one request.
public struct AdmissionAnswer: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        case allowed(Change)
        /// `code` is an HTTP status, the reason a sentence for the client; it may be empty.
        case denied(code: Int, reason: String)
        /// It could not be asked, or gave no answer that is one: its failure policy decides.
        case failed(String)
        /// It was swapped or taken away before it was asked: the newest list says who is to be asked now.
        case gone
    }

    public enum Change: Sendable, Equatable {
        case none
        /// A JSON patch of the object.
        case patch(Value)
        /// The object as it shall be.
        case object(Value)
    }

    public struct Annotation: Sendable, Equatable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var verdict: Verdict
    /// For the client.
    public var warnings: [String] = []
    /// For the audit event.
    public var annotations: [Annotation] = []

    public init(_ verdict: Verdict, warnings: [String] = [], annotations: [Annotation] = []) {
        self.verdict = verdict
        self.warnings = warnings
        self.annotations = annotations
    }
}
