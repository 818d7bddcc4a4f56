internal import APIModel
internal import PluginAPI

/// The slots of an admission plugin that runs, called directly.
struct AdmissionSlots: @unchecked Sendable {
    // Sendable because the slots are tagged [worker].
    enum Slot: String, CaseIterable { case admit, validate }

    /// All that a slot answered.
    struct Said: Equatable {
        var answer: Answer
        var code: Int32
        /// Warnings and annotations, in the order in which they came.
        var notes: [String]
    }

    private let table: apus_admission
    private let instance: DirectInstance

    init(_ instance: DirectInstance) {
        self.instance = instance
        table = instance.table(apus_admission.self)
    }

    /// Runs `body` on a thread of its own with an instance that was started.
    static func with(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (AdmissionSlots) throws -> Void) async throws {
        try await onOwnThread {
            let instance = try DirectInstance(plugin)
            let answer = instance.start()
            defer {
                instance.stop()
                instance.destroy()
            }
            try expect(answer.status == APUS_OK, "start answered \(answer.description)")
            try body(AdmissionSlots(instance))
        }
    }

    var offered: [Slot] { Slot.allCases.filter { $0 == .admit ? table.admit != nil : table.validate != nil } }

    /// - Throws: `NotOffered` when the table does not have the slot.
    func require(_ slot: Slot) throws {
        guard offered.contains(slot) else { throw NotOffered("there is no \(slot.rawValue)") }
    }

    func ask(_ slot: Slot, _ sample: RequestSample) -> Said {
        var code: Int32 = 0
        let notes = Notes()
        var lent = apus_admission_notes(
            size: UInt32(MemoryLayout<apus_admission_notes>.size), context: Unmanaged.passUnretained(notes).toOpaque(),
            warn: { Notes.of($0).all.append("warning \($1.string)") },
            annotate: { Notes.of($0).all.append("annotation \($1.string)=\($2.string)") })
        let function = slot == .admit ? table.admit : table.validate
        let answer = withExtendedLifetime(notes) {
            sample.lend { request in Sentence.collect { function.unsafelyUnwrapped(instance.me, request, &code, &lent, $0) } }
        }
        return Said(answer: answer, code: code, notes: notes.all)
    }

    private final class Notes {
        var all: [String] = []
        static func of(_ context: UnsafeMutableRawPointer?) -> Notes {
            Unmanaged<Notes>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
        }
    }
}
