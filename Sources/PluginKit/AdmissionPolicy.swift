public import APIModel
internal import PluginAPI

/// Judges what is written before it is written: a webhook without a server. No slot may block or call the API; requests wait for it, several
/// at once. What it does is done also for dry runs, and for requests that somebody else refuses: it must have no effects.
public protocol AdmissionPolicy: Component {
    /// Which of the methods do something: the host does not call the others.
    static var slots: AdmissionSlots { get }

    /// May change the object before it is checked. Throw `Denial` to refuse the request; any other error is a failure, and the manifest's
    /// `failurePolicy` says what becomes of the request. Asked about what it made of an object, it must change nothing more.
    func admit(_ request: AdmissionRequest, _ notes: AdmissionNotes) throws -> AdmissionChange

    /// May refuse the object as it will be written, by throwing `Denial`.
    func validate(_ request: AdmissionRequest, _ notes: AdmissionNotes) throws
}

extension AdmissionPolicy {
    public func admit(_ request: AdmissionRequest, _ notes: AdmissionNotes) throws -> AdmissionChange { .none }
    public func validate(_ request: AdmissionRequest, _ notes: AdmissionNotes) throws {}
}

public struct AdmissionSlots: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let admit = AdmissionSlots(rawValue: 1)
    public static let validate = AdmissionSlots(rawValue: 2)
}

/// Refuses a request. The client reads `admission plugin "…" denied the request: <reason>`.
public struct Denial: Error, Sendable, Equatable {
    public var reason: String
    /// The HTTP status of the answer, 400 to 599.
    public var code: Int

    public init(_ reason: String, code: Int = 403) {
        self.reason = reason
        self.code = code
    }
}

/// What `admit` makes of an object.
public enum AdmissionChange: Sendable, Equatable {
    case none
    /// A JSON patch: an array of operations.
    case patch(Value)
    /// The object as it shall be, whole.
    case object(Value)
}

/// What the client and the audit log are told beside the answer.
public final class AdmissionNotes {
    /// In the order in which they came.
    public private(set) var warnings: [String] = []
    public private(set) var annotations: [String: String] = [:]

    public init() {}

    /// Tells the client one sentence.
    public func warn(_ text: String) { warnings.append(text) }

    /// Adds to the audit event, under `<plugin's name>/<key>`.
    public func annotate(_ key: String, _ value: String) { annotations[key] = value }

    fileprivate func send(to notes: UnsafePointer<apus_admission_notes>) {
        for text in warnings { text.withBorrowed { notes.pointee.warn(notes.pointee.context, $0) } }
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) {
            key.withBorrowed { key in value.withBorrowed { notes.pointee.annotate(notes.pointee.context, key, $0) } }
        }
    }
}

final class AdmissionInstance: Instance {
    let policy: any AdmissionPolicy

    init(_ policy: any AdmissionPolicy) {
        self.policy = policy
        super.init(policy)
    }

    static func table(_ slots: AdmissionSlots) -> Constant<apus_admission> {
        var table = apus_admission()
        table.size = UInt32(MemoryLayout<apus_admission>.size)
        if slots.contains(.admit) {
            table.admit = { me, request, code, notes, answer in
                AdmissionInstance.judge(me, request, code, notes, answer) { policy, request, notes in
                    switch try policy.admit(request, notes) {
                    case .none: break
                    case .patch(let change), .object(let change): answer.write(JSON.encode(change))
                    }
                }
            }
        }
        if slots.contains(.validate) {
            table.validate = { me, request, code, notes, reason in
                AdmissionInstance.judge(me, request, code, notes, reason) { try $0.validate($1, $2) }
            }
        }
        return constant(table)
    }

    private static func judge(
        _ me: UnsafeMutableRawPointer?, _ request: UnsafePointer<apus_admission_request>, _ code: UnsafeMutablePointer<Int32>,
        _ notes: UnsafePointer<apus_admission_notes>, _ sink: UnsafePointer<apus_sink>,
        _ body: (any AdmissionPolicy, AdmissionRequest, AdmissionNotes) throws -> Void
    ) -> apus_status {
        boundary(sink) {
            let said = AdmissionNotes()
            defer { said.send(to: notes) }
            do {
                try body(instance(me, as: AdmissionInstance.self).policy, try AdmissionRequest(request.pointee), said)
            } catch let denial as Denial {
                code.pointee = Int32(clamping: denial.code)
                throw ComponentError(.denied, denial.reason)
            }
        }
    }
}
