/// How a write is to be taken, beside what is written. The defaults are those of a plain write from a loop or a plugin.
public struct WriteOptions: Hashable, Sendable {
    /// Who will own the fields that are written, as `metadata.managedFields` tells it. Empty: the client's name for itself.
    public var fieldManager = ""
    /// For apply alone: take over fields that others own.
    public var force: Bool?
    /// Go through every check, write nothing.
    public var isDryRun = false
    public var fieldValidation = FieldValidation.ignore
    public var preconditions = Preconditions()

    /// What becomes of fields that the kind does not have, and of fields given twice.
    public enum FieldValidation: String, Sendable, CaseIterable {
        case ignore = "Ignore"
        case warn = "Warn"
        case strict = "Strict"
    }

    /// What must be true of the object that is there; `nil` asks nothing.
    public struct Preconditions: Hashable, Sendable {
        public var uid: String?
        public var resourceVersion: String?

        public init(uid: String? = nil, resourceVersion: String? = nil) {
            self.uid = uid
            self.resourceVersion = resourceVersion
        }
    }

    public init(
        fieldManager: String = "", force: Bool? = nil, isDryRun: Bool = false, fieldValidation: FieldValidation = .ignore,
        preconditions: Preconditions = Preconditions()
    ) {
        self.fieldManager = fieldManager
        self.force = force
        self.isDryRun = isDryRun
        self.fieldValidation = fieldValidation
        self.preconditions = preconditions
    }
}
