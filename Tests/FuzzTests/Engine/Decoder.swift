/// A function that reads bytes of somebody else's.
struct Decoder: Subject {
    let name: String
    /// Inputs that mean something, to begin with.
    let seeds: [[UInt8]]
    /// What means something to it, beside what means something to many.
    let words: [String]
    let longest: Int
    /// Whether an input that is JSON is changed as such, too.
    let isJSON: Bool
    /// Reads an input and says in a few words what came of it: inputs of which something new comes are kept to begin with.
    private let read: @Sendable ([UInt8]) async throws -> String

    var pieces: Pieces { .bytes }

    init(
        _ name: String, seeds: [[UInt8]], words: [String] = [], longest: Int = 1 << 14, isJSON: Bool = false,
        read: @escaping @Sendable ([UInt8]) async throws -> String
    ) {
        (self.name, self.seeds, self.words, self.longest, self.isJSON, self.read) = (name, seeds, words, longest, isJSON, read)
    }

    /// Of text: what is no UTF-8 is replaced, as it is where text comes in.
    init(
        text name: String, seeds: [String], words: [String] = [], longest: Int = 1 << 14,
        read: @escaping @Sendable (String) async throws -> String
    ) {
        self.init(name, seeds: seeds.map { Array($0.utf8) }, words: words, longest: longest) {
            try await read(String(decoding: $0, as: UTF8.self))
        }
    }

    private static let limits = Watchdog.Limits(processorTime: .seconds(3), time: .seconds(60))
    /// How many inputs are kept that gave something new.
    private static let mostKept = 400

    func fuzz(_ run: Run) async throws {
        var mutator = Mutator(dice: Dice(seed: run.seed ^ Self.hash(name)), words: words, longest: longest, isJSON: isJSON)
        var corpus: [[UInt8]] = []
        var outcomes: Set<String> = []
        for seed in seeds {
            outcomes.insert(await outcome(of: seed, run))
            corpus.append(seed)
        }
        var count = 0
        while !run.isOver, count < run.most {
            let input = mutator.mutate(mutator.dice.pick(corpus), corpus)
            let outcome = await outcome(of: input, run)
            if corpus.count < seeds.count + Self.mostKept, outcomes.insert(outcome).inserted, input.count < 4_000 { corpus.append(input) }
            count += 1
        }
        print("fuzzed \(name): \(count) inputs, \(outcomes.count) outcomes")
    }

    func replay(_ input: [UInt8], _ run: Run) async throws { _ = await outcome(of: input, run) }

    private func outcome(of input: [UInt8], _ run: Run) async -> String {
        run.journal.set(subject: name, input: input)
        run.watchdog.begin(Self.limits)
        defer { run.watchdog.end() }
        do {
            return try await read(input)
        } catch {
            // Without what it quotes, refusals are few.
            return String("\(error)".prefix(200).filter { !$0.isNumber && $0.isASCII }.prefix(60))
        }
    }

    private static func hash(_ text: String) -> UInt64 { text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
}
