internal import APIModel
internal import Glibc
internal import PluginAPI
internal import PluginKit

/// Hard constraints that this policy cannot keep. A Pod that has one stays pending and says why: placing it anyhow would break what it asks
/// for.
enum Unsupported {
    /// Looks for the names first, because almost no Pod has them and decoding costs more than the whole cycle.
    static func reason(in json: apus_borrowed) -> String? {
        guard contains(json, "\"requiredDuringSchedulingIgnoredDuringExecution\"") || contains(json, "\"topologySpreadConstraints\"") else {
            return nil
        }
        guard let spec = try? JSON.decode(json.array)["spec"] else { return nil }
        let affinity = spec["affinity"]
        for name in ["podAffinity", "podAntiAffinity"] where !affinity[name]["requiredDuringSchedulingIgnoredDuringExecution"].isEmpty {
            return "the scheduler policy does not support spec.affinity.\(name).requiredDuringSchedulingIgnoredDuringExecution"
        }
        if spec["topologySpreadConstraints"].elements.contains(where: { $0["whenUnsatisfiable"].string != "ScheduleAnyway" }) {
            return "the scheduler policy does not support spec.topologySpreadConstraints with whenUnsatisfiable DoNotSchedule"
        }
        return nil
    }

    private static func contains(_ json: apus_borrowed, _ text: StaticString) -> Bool {
        guard var rest = json.bytes else { return false }
        let (end, length) = (rest + Int(json.count), text.utf8CodeUnitCount)
        // By the second letter, because every name starts with a quote.
        while end - rest >= length, let found = memchr(rest + 1, Int32(text.utf8Start[1]), end - rest - 1) {
            rest = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - 1
            if end - rest >= length, memcmp(rest, text.utf8Start, length) == 0 { return true }
            rest += 1
        }
        return false
    }
}
