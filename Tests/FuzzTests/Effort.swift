import Foundation
import Testing

/// How much is fuzzed: a little that is the same each time, or as long as the environment says.
struct Effort: Sendable {
    /// Of what, for how long: one test.
    struct Stretch: Sendable, CustomTestStringConvertible {
        var subjects: [String]
        var seconds: Double
        var most: Int
        var testDescription: String { subjects.count == 1 ? subjects[0] : "\(subjects.count) decoders" }
    }

    var seed: UInt64
    var stretches: [Stretch]

    /// `FUZZ_SECONDS` is the time for each subject, `FUZZ_ENTRY` names one, `FUZZ_SEED` begins with other numbers.
    static let current: Effort = {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        let wanted = environment["FUZZ_ENTRY"] ?? ""
        let names = Subjects.all.map(\.name).filter { wanted.isEmpty || wanted == $0 }
        precondition(!names.isEmpty, "nothing that is fuzzed is named \(wanted)")
        if let seconds = environment["FUZZ_SECONDS"].flatMap({ Double($0) }) {
            return Effort(seed: seed, stretches: names.map { Stretch(subjects: [$0], seconds: seconds, most: .max) })
        }
        return Effort(
            seed: seed,
            stretches: [
                Stretch(subjects: Subjects.decoders.map(\.name), seconds: 20, most: 200),
                Stretch(subjects: [ClusterSubject.hollow.name], seconds: 60, most: 60),
            ])
    }()
}
