import Foundation

/// What a child process is to do: this program again, with a file that says it.
struct ChildTask: Codable {
    struct Input: Codable {
        var subject: String
        var bytes: Data
    }

    static let variable = "FUZZ_TASK"

    /// What is fuzzed, one after another.
    var subjects: [String] = []
    var seed: UInt64 = 0
    /// For each.
    var seconds: Double = 0
    var most = Int.max
    /// What is done again instead, in this order.
    var inputs: [Input] = []
    var journal: String

    /// That of this process, where it is a child.
    static func own() throws -> ChildTask? {
        guard let path = ProcessInfo.processInfo.environment[variable], let data = FileManager.default.contents(atPath: path) else {
            return nil
        }
        return try JSONDecoder().decode(ChildTask.self, from: data)
    }

    func run() async throws {
        Self.limitMemory()
        let run = Run(seed: seed, journal: try Journal(journal), time: .seconds(seconds), most: most)
        for input in inputs {
            run.journal.set(subject: input.subject, input: Array(input.bytes))
            try await Subjects.named(input.subject).replay(Array(input.bytes), run)
        }
        for name in subjects { try await Subjects.named(name).fuzz(run.again()) }
    }

    /// What asks for more than the machine has ends this process, not others.
    private static func limitMemory() {
        var limit = rlimit(rlim_cur: 6 << 30, rlim_max: 6 << 30)
        setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
    }
}
