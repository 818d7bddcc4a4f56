import Foundation

/// Fuzzes some subjects in child processes until the time is over, and keeps what was found.
struct Campaign {
    var subjects: [String]
    var seed: UInt64
    /// For each subject.
    var seconds: Double
    var most = Int.max
    /// Where finds are written; `nil` keeps them in memory only.
    var directory: String?
    /// How often the minimiser may start a process.
    var tries = 60

    /// A process starts, and ends, in this time.
    private static let slack = Duration.seconds(90)

    /// Each find once: of those with the same place, the first.
    func run() async throws -> [Find] {
        var finds: [Find] = []
        let end = ContinuousClock.now + .seconds(seconds * Double(subjects.count))
        var (seed, subjects) = (seed, subjects)
        while !subjects.isEmpty {
            let task = ChildTask(subjects: subjects, seed: seed, seconds: seconds, most: most, journal: "")
            guard let ended = try await ChildProcess.run(task, limit: .seconds(seconds * Double(subjects.count)) + Self.slack) else {
                break
            }
            guard let (subject, input) = ended.inHand else { throw FuzzError("a child ended before it began: \(ended.text.suffix(2_000))") }
            let find = try await minimised(subject, input, ended)
            if !finds.contains(where: { $0.isSame(as: find) }) {
                finds.append(find)
                try save(find)
                print("find of \(find.subject): \(find.reason) at \(find.place)")
            }
            // On with the next one, or for the time that is left with other numbers.
            seed += 1
            if subjects.count > 1 || .now >= end || most != .max { subjects.removeFirst((subjects.firstIndex(of: subject) ?? 0) + 1) }
        }
        return finds
    }

    private func minimised(_ subject: String, _ input: [UInt8], _ ended: ChildProcess.End) async throws -> Find {
        let again = try await replay(subject, [input])
        var smallest = input
        // What does not do it again alone is kept whole.
        if again != nil {
            smallest = try await Minimiser.minimise(try Subjects.named(subject).pieces.split(input), tries: tries) { candidates in
                try await replay(subject, candidates)?.index
            }
        }
        let last = try await replay(subject, [smallest], withBacktrace: true)?.end ?? ended
        return Find(subject: subject, input: smallest, reason: last.reason, place: last.place)
    }

    /// The first of some inputs that ends a process, and how.
    private func replay(_ subject: String, _ inputs: [[UInt8]], withBacktrace: Bool = false) async throws -> (
        index: Int, end: ChildProcess.End
    )? {
        let task = ChildTask(inputs: inputs.map { ChildTask.Input(subject: subject, bytes: Data($0)) }, journal: "")
        guard let ended = try await ChildProcess.run(task, withBacktrace: withBacktrace, limit: .seconds(600)) else { return nil }
        return inputs.firstIndex { $0 == ended.inHand?.input }.map { ($0, ended) }
    }

    private func save(_ find: Find) throws {
        guard let directory else { return }
        let place = "\(directory)/\(find.subject)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let name = String(find.input.reduce(UInt64(5381)) { $0 &* 33 ^ UInt64($1) }, radix: 16)
        try Data(find.input).write(to: URL(fileURLWithPath: "\(place)/\(name)"))
    }
}
