internal import APIModel
internal import Client
internal import PluginAPI

/// One call of an admission plugin's slot, and what comes of its answer.
struct AdmissionCall {
    let component: LoadedComponent
    let phase: AdmissionPhase
    let question: AdmissionQuestion

    /// The slot's place in the table.
    static func slot(_ phase: AdmissionPhase) -> Int { phase == .mutate ? 0 : 1 }

    static func slotName(_ phase: AdmissionPhase) -> String { phase == .mutate ? "admit" : "validate" }

    static func isOffered(_ phase: AdmissionPhase, _ table: apus_admission) -> Bool {
        phase == .mutate ? table.admit != nil : table.validate != nil
    }

    /// Calls on this thread. The caller holds a lease.
    func run() -> AdmissionAnswer {
        let slot = Self.slot(phase)
        var notes = AdmissionNotes()
        var code: Int32 = 0
        var collected = Collector(limit: phase == .mutate ? Signatures.answer : Signatures.sentence)
        var said = question.withC { request in
            notes.collect { notes in
                component.call(slot, apus_admission.self, .lease, into: &collected) { table, me, sink in
                    let function = phase == .mutate ? table.admit : table.validate
                    return function.unsafelyUnwrapped(me, request, &code, notes, sink)
                }
            }
        }
        if let problem = said.problem ?? notes.problem ?? problem(code) {
            if said.problem == nil { said = component.reject(slot, problem, wasError: said.status != APUS_OK) }
            return AdmissionAnswer(.failed(problem))
        }
        return AdmissionAnswer(verdict(said.status, code, collected), warnings: notes.warnings, annotations: notes.annotations)
    }

    private func verdict(_ status: apus_status, _ code: Int32, _ collected: Collector) -> AdmissionAnswer.Verdict {
        switch status {
        case APUS_OK: phase == .mutate && !collected.bytes.isEmpty ? change(collected.bytes) : .allowed(.none)
        case APUS_DENIED: .denied(code: code == 0 ? 403 : Int(code), reason: collected.text)
        case APUS_CANCELLED: .gone
        default: .failed(collected.textOr("it answered \(statusName(status))"))
        }
    }

    private func change(_ bytes: [UInt8]) -> AdmissionAnswer.Verdict {
        switch try? JSON.decode(bytes) {
        case .array(let operations): return .allowed(operations.isEmpty ? .none : .patch(.array(operations)))
        case .object(let fields): return .allowed(.object(.object(fields)))
        default:
            let problem = "admit answered with what is neither a JSON patch nor an object"
            _ = component.reject(Self.slot(phase), problem)
            return .failed(problem)
        }
    }

    private func problem(_ code: Int32) -> String? {
        code == 0 || (400...599).contains(code) ? nil : "\(Self.slotName(phase)) gave the code \(code), outside 400 to 599"
    }
}

/// What a plugin says to its `apus_admission_notes`.
struct AdmissionNotes {
    private(set) var warnings: [String] = []
    private(set) var annotations: [AdmissionAnswer.Annotation] = []
    private var room = Signatures.sentence
    private var isOverLimit = false

    /// What is wrong with them; `nil` for nothing.
    var problem: String? { isOverLimit ? "its warnings and annotations have more than \(Signatures.sentence >> 10) KiB" : nil }

    /// Runs `body` with functions that note here.
    mutating func collect<R>(_ body: (UnsafePointer<apus_admission_notes>) -> R) -> R {
        withUnsafeMutablePointer(to: &self) { notes in
            var table = apus_admission_notes(
                size: UInt32(MemoryLayout<apus_admission_notes>.size), context: UnsafeMutableRawPointer(notes),
                warn: { context, text in Self.of(context).pointee.warn(text) },
                annotate: { context, key, value in Self.of(context).pointee.annotate(key, value) })
            return body(&table)
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<AdmissionNotes> {
        context.unsafelyUnwrapped.assumingMemoryBound(to: AdmissionNotes.self)
    }

    private mutating func warn(_ text: apus_borrowed) {
        if takes(text.buffer.count) { warnings.append(text.string) }
    }

    private mutating func annotate(_ key: apus_borrowed, _ value: apus_borrowed) {
        if takes(key.buffer.count + value.buffer.count) { annotations.append(.init(key: key.string, value: value.string)) }
    }

    private mutating func takes(_ count: Int) -> Bool {
        guard !isOverLimit, count <= room else {
            isOverLimit = true
            return false
        }
        room -= count
        return true
    }
}

extension AdmissionQuestion {
    /// Lends the request for the duration of `body`.
    func withC<R>(_ body: (UnsafePointer<apus_admission_request>) -> R) -> R {
        bytes.withUnsafeBufferPointer { buffer in
            func text(_ text: Text) -> apus_borrowed {
                let range = self[text]
                return apus_borrowed(bytes: range.isEmpty ? nil : buffer.baseAddress! + range.lowerBound, count: UInt64(range.count))
            }
            var request = apus_admission_request(
                size: UInt32(MemoryLayout<apus_admission_request>.size), operation: operation.rawValue,
                flags: isDryRun ? APUS_REQUEST_DRY_RUN : 0, reserved: 0, resource: text(.resource), kind: text(.kind),
                subresource: text(.subresource), namespace_: text(.namespace), name: text(.name), user: text(.user),
                request: text(.request), object: text(.object), old_object: text(.oldObject), namespace_object: text(.namespaceObject))
            return body(&request)
        }
    }
}
