internal import APIModel
internal import PluginAPI

/// What an admission plugin promises: `apus/admission.h`.
enum AdmissionChecks {
    static let all: [Check] = [
        Check("slots", "There is an admit, a validate, or both.") { plugin in
            try await AdmissionSlots.with(plugin) {
                try expect(!$0.offered.isEmpty, "the table has neither admit nor validate: nothing would ever be asked")
            }
        },
        Check("admit/answers", "admit answers OK with nothing, a JSON patch or an object, DENIED with a sentence, or a failure.") {
            plugin in
            try await AdmissionSlots.with(plugin) { slots in
                try slots.require(.admit)
                for sample in RequestSample.all {
                    let said = slots.ask(.admit, sample)
                    try judge(said, .admit, sample)
                    _ = try changed(said, sample)
                }
            }
        },
        Check("admit/settles", "admit, asked about what it made of an object, changes nothing more.") { plugin in
            try await AdmissionSlots.with(plugin) { slots in
                try slots.require(.admit)
                for sample in RequestSample.all {
                    // An answer that is none is for the check before this one.
                    guard let once = try? changed(slots.ask(.admit, sample), sample) else { continue }
                    var again = sample
                    again.object = once
                    let twice = try changed(slots.ask(.admit, again), again) ?? once
                    try expect(
                        twice == once,
                        "admit changed \(sample.title), and then what it had made of it: it made \(text(once)), and of that \(text(twice))")
                }
            }
        },
        Check("validate/answers", "validate answers OK, DENIED with a sentence, or a failure.") { plugin in
            try await AdmissionSlots.with(plugin) { slots in
                try slots.require(.validate)
                for sample in RequestSample.all { try judge(slots.ask(.validate, sample), .validate, sample) }
            }
        },
        Check("slots/no-effects", "The same request gets the same answer, however often it is asked about.") { plugin in
            try await AdmissionSlots.with(plugin) { slots in
                for slot in slots.offered {
                    let first = RequestSample.all.map { slots.ask(slot, $0) }
                    for (sample, said) in zip(RequestSample.all, first) {
                        try expect(slots.ask(slot, sample) == said, changedMind(slot, sample))
                    }
                }
            }
        },
        Check("slots/many-at-once", "Many threads at once get the answers that one gets.") { plugin in
            try await AdmissionSlots.with(plugin) { slots in
                for slot in slots.offered {
                    let alone = RequestSample.all.map { slots.ask(slot, $0) }
                    let problem = try EightThreads.run { round in
                        let place = round % alone.count
                        let sample = RequestSample.all[place]
                        return slots.ask(slot, sample) == alone[place]
                            ? nil : "\(changedMind(slot, sample)) while other threads asked: keep what belongs to a call on its stack"
                    }
                    if let problem { throw Failure(problem) }
                }
            }
        },
    ]

    private static func changedMind(_ slot: AdmissionSlots.Slot, _ sample: RequestSample) -> String {
        "\(slot.rawValue) answered another thing about \(sample.title) than before"
    }

    private static func text(_ value: Value) -> String { String(decoding: JSON.encode(value).prefix(200), as: UTF8.self) }

    private static func judge(_ said: AdmissionSlots.Said, _ slot: AdmissionSlots.Slot, _ sample: RequestSample) throws {
        let (status, place) = (said.answer.status, "\(slot.rawValue), asked about \(sample.title),")
        try expect(isStatus(status), "\(place) answered \(statusName(status))")
        try expect(
            said.code == 0 || (400...599).contains(said.code), "\(place) gave the code \(said.code), which is outside 400 to 599")
        if status == APUS_DENIED {
            try expect(!said.answer.bytes.isEmpty, "\(place) answered DENIED without a reason: the client would not know what to mend")
        }
        try expect(status != APUS_CANCELLED, "\(place) answered CANCELLED while it runs")
        if slot == .validate || status != APUS_OK {
            try expect(said.answer.bytes.count <= 64 << 10, "\(place) wrote more than 64 KiB into the sink")
        }
    }

    /// What `admit` made of the object; `nil` where it did not allow it.
    private static func changed(_ said: AdmissionSlots.Said, _ sample: RequestSample) throws -> Value? {
        guard said.answer.status == APUS_OK else { return nil }
        guard !said.answer.bytes.isEmpty else { return sample.object }
        let place = "admit, asked about \(sample.title),"
        switch try? JSON.decode(said.answer.bytes) {
        case .array(let operations):
            guard !operations.isEmpty else { return sample.object }
            try expect(!sample.object.isNull, "\(place) answered with a patch, and there is no object")
            do {
                return try Patch.json(sample.object, .array(operations))
            } catch {
                throw Failure("\(place) answered with a patch that cannot be made: \(error)")
            }
        case .object(let fields):
            try expect(!sample.object.isNull, "\(place) answered with an object, and there is none to change")
            return .object(fields)
        default: throw Failure("\(place) wrote what is neither a JSON patch nor an object: \(said.answer.text.prefix(100))")
        }
    }
}
