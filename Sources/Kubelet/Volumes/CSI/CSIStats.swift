import APIModel
import Logging
import Synchronization

/// How full drivers say that their volumes are, as they said last. Safe from any task.
final class CSIStats: Sendable {
    private let figures = Mutex<[CSILedger.Key: Value]>([:])

    /// An element of `volume` in `/stats/summary`, without the names; `nil` before the driver was asked, and when it does not tell.
    func figures(_ key: CSILedger.Key) -> Value? { figures.withLock { $0[key] } }

    fileprivate func set(_ key: CSILedger.Key, _ value: Value?) { figures.withLock { $0[key] = value } }
    fileprivate func keep(_ isThere: (CSILedger.Key) -> Bool) { figures.withLock { $0 = $0.filter { isThere($0.key) } } }

    /// From what `NodeGetVolumeStats` answered. What it does not speak of is 0.
    static func figures(_ answer: Value, time: Value) -> Value {
        var figures: Value = ["time": time]
        for (_, fields) in Self.fields { for field in fields { figures[field] = 0 } }
        for usage in answer["usage"].elements {
            guard let fields = Self.fields.first(where: { $0.unit == usage["unit"].int })?.fields else { continue }
            for (field, name) in zip(fields, ["available", "total", "used"]) { figures[field] = .int(max(usage[name].int ?? 0, 0)) }
        }
        let condition = answer["volume_condition"]
        if !condition.isNull { figures["volumeHealthStats"] = ["abnormal": .bool(condition["abnormal"].bool ?? false)] }
        return figures
    }

    /// By CSI's number of the unit: bytes and inodes.
    private static let fields: [(unit: Whole, fields: [String])] = [
        (1, ["availableBytes", "capacityBytes", "usedBytes"]), (2, ["inodesFree", "inodes", "inodesUsed"]),
    ]
}

extension CSI {
    /// Asks again and again, until cancelled. A driver that hangs holds up what is known of its own volumes.
    func measure(every period: Duration = .seconds(60)) async {
        let underWay = UnderWay<CSILedger.Key>()
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let mounted = ledger.mounted
                stats.keep { mounted[$0] != nil }
                for (key, use) in mounted where underWay.begin(key) {
                    group.addTask {
                        await measure(key, use)
                        underWay.end(key)
                    }
                }
                try? await Task.sleep(for: period)
            }
        }
    }

    func measure(_ key: CSILedger.Key, _ use: CSILedger.Use) async {
        guard let driver = drivers[use.device.driver] else { return }
        do {
            guard try await driver.capabilities().tellsUse else { return }
            let answer = try await driver.call(
                "NodeGetVolumeStats", ["volume_id": .string(use.device.handle), "volume_path": .string(target(key, use.device))])
            stats.set(key, CSIStats.figures(answer, time: Clock.text(Clock.nanoseconds())))
        } catch {
            if !Task.isCancelled { log.debug("volume \(key.volume) of pod \(key.pod): \(error)") }
        }
    }

    /// The elements of `volume` in `/stats/summary` of a pod.
    func stats(of pod: Pod) -> [Value] {
        ledger.uses(of: pod.uid).compactMap { name, use -> Value? in
            guard let volume = pod.volumes.first(where: { $0.name == use.name }),
                var figures = stats.figures(CSILedger.Key(pod: pod.uid, volume: name))
            else { return nil }
            figures["name"] = .string(use.name)
            if let claim = PodClaims.name(in: volume, pod: pod.name) {
                figures["pvcRef"] = ["name": .string(claim), "namespace": .string(pod.namespace)]
            }
            return figures
        }.sorted { $0.name < $1.name }
    }
}
