/// A whole cluster, by way of its API and its store.
struct ClusterSubject: Subject {
    let name: String
    /// Where the pods run; `nil` for a runtime that only says so.
    private let runtime: RealRuntime?
    let pieces = Pieces.lines

    private static let limits = Watchdog.Limits(processorTime: .seconds(100), time: .seconds(240), memory: 3 << 29)
    /// Containers take their time.
    private static let longLimits = Watchdog.Limits(processorTime: .seconds(100), time: .seconds(900), memory: 3 << 29)
    /// So many operations are done to one cluster, with a look in between at what comes of them.
    private static let operations = 40
    private static let atOnce = 8

    /// Pods are pretended.
    static let hollow = ClusterSubject(name: "cluster", runtime: nil)
    /// Pods are containers, by `runtime-cri`.
    static let real = ClusterSubject(name: "cluster-cri", runtime: RealRuntime())

    func fuzz(_ run: Run) async throws {
        var dice = Dice(seed: run.seed)
        var done = 0
        while !run.isOver, done < run.most {
            let count = min(Self.operations, run.most - done)
            run.watchdog.begin(runtime == nil ? Self.limits : Self.longLimits)
            dice = try await round(dice, count, run)
            run.watchdog.end()
            done += count
        }
        print("fuzzed \(name): \(done) operations")
    }

    /// Returns the random numbers as they are then.
    private func round(_ dice: Dice, _ count: Int, _ run: Run) async throws -> Dice {
        let cluster = try FuzzCluster(endpoint: runtime?.endpoint)
        let log = OperationLog(name, run.journal)
        let maker = ObjectMaker(dice: dice, calmness: 30)
        return try await cluster.run {
            var round = Round(maker) { operation in
                log.append(operation)
                return await cluster.perform(operation)
            }
            var done = 0
            while done < count, !run.isOver {
                await round.run(min(Self.atOnce, count - done))
                done += Self.atOnce
                await cluster.settle()
            }
            return round.dice
        }
    }

    func replay(_ input: [UInt8], _ run: Run) async throws {
        run.watchdog.begin(runtime == nil ? Self.limits : Self.longLimits)
        defer { run.watchdog.end() }
        let operations = pieces.split(input).compactMap { Operation(line: $0) }
        let cluster = try FuzzCluster(endpoint: runtime?.endpoint)
        try await cluster.run {
            for (index, operation) in operations.enumerated() {
                _ = await cluster.perform(operation)
                if index % Self.atOnce == Self.atOnce - 1 { await cluster.settle() }
            }
            await cluster.settle()
        }
    }
}
