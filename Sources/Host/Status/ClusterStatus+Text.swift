internal import APIModel
internal import Client

extension ClusterStatus {
    /// How many of the last crashes people see.
    private static let shownCrashes = 5

    /// For people.
    var lines: [String] {
        var lines = ["Cluster on \(directory): \(verdict)"]
        lines += problems.map { "  \($0)" }
        lines += section("PROCESSES", [processes])
        lines += section("VERSIONS", [versions])
        if let disk {
            lines += section(
                "DISK", ["\(Text.bytes(disk.free)) of \(Text.bytes(disk.size)) free, store \(Text.bytes(disk.store))"])
        }
        if !roles.isEmpty { lines += table(["ROLE", "STATE"], roles.map { [$0.name, $0.problem ?? "ok"] }) }
        if !plugins.isEmpty { lines += section("PLUGINS", [pluginCounts]) }
        if !suspects.putAside.isEmpty {
            lines += table(
                ["QUARANTINED", "PASSED OVER BY", "CRASHES", "LAST"],
                suspects.putAside.map { suspect in
                    [suspect.key.objectText, suspect.key.work, "\(suspect.crashes.count)", ago(suspect.crashes.last ?? time)]
                })
        }
        if !crashes.isEmpty {
            lines += table(["LAST CRASHES", ""], crashes.suffix(Self.shownCrashes).reversed().map { [ago($0.time), $0.sentence] })
        }
        lines += table(
            ["CERTIFICATE", "ENDS"],
            certificates.map { file, end in
                [file, end.map { "\(Timestamp.format(seconds: $0)) (\(HumanDuration.text(seconds: $0 - time)))" } ?? "?"]
            })
        return lines
    }

    private var verdict: String {
        switch health {
        case .well: "all well"
        case .degraded: "degraded"
        case .notRunning: "not running"
        }
    }

    private var processes: String {
        let running = host.map { "host \($0)" + (age.map { ", for \(HumanDuration.text(seconds: $0))" } ?? "") } ?? "no host"
        return "\(running); \(supervisor.map { "supervisor \($0)" } ?? "no supervisor")"
    }

    private var versions: String {
        (["apus \(Version.apus)"] + [runningVersion.map { "Kubernetes \($0)" }, runtimeVersion].compactMap { $0 }).joined(separator: ", ")
    }

    /// `41 Running, 2 Skipped; 3 isolated`
    private var pluginCounts: String {
        let states = Dictionary(grouping: plugins, by: \.state).mapValues(\.count).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let isolated = plugins.count { $0.isolation == "Process" && $0.state == "Running" }
        return states.map { "\($0.value) \($0.key)" }.joined(separator: ", ") + "; \(isolated) isolated"
    }

    private func section(_ head: String, _ body: [String]) -> [String] { ["", head] + body }
    private func table(_ head: [String], _ rows: [[String]]) -> [String] {
        rows.isEmpty ? [] : [""] + TextTable(head: head, rows: rows).lines
    }
    private func ago(_ moment: Whole) -> String { "\(HumanDuration.text(seconds: time - moment)) ago" }

    /// For programs.
    var value: Value {
        let version: Value = [
            "apus": .string(Version.apus), "kubernetes": Value(runningVersion), "containerRuntime": Value(runtimeVersion),
        ]
        return [
            "status": .string(health.rawValue), "problems": .array(problems.map(Value.string)), "dataDirectory": .string(directory),
            "host": host.map { ["pid": .int(Whole($0)), "ageSeconds": age.map(Value.int) ?? .null] } ?? .null,
            "supervisor": supervisor.map { ["pid": .int(Whole($0))] } ?? .null, "versions": version,
            "roles": .array(
                roles.map { ["name": .string($0.name), "healthy": .bool($0.problem == nil), "message": Value($0.problem)] }),
            "plugins": .array(
                plugins.map {
                    [
                        "name": .string($0.name), "kind": .string($0.kind), "state": .string($0.state), "isolation": .string($0.isolation),
                        "reason": $0.reason.isEmpty ? .null : .string($0.reason),
                    ]
                }), "quarantined": .array(suspects.putAside.map(\.value)), "crashes": .array(crashes.map(\.value)),
            "certificates": .array(
                certificates.map { file, end in
                    ["file": .string(file), "notAfter": end.map { .string(Timestamp.format(seconds: $0)) } ?? .null]
                }),
            "disk": disk.map {
                [
                    "bytes": .int(Whole($0.size)), "freeBytes": .int(Whole($0.free)),
                    "storeBytes": .int(Whole($0.store)),
                ]
            } ?? .null,
        ]
    }
}
