extension Printers {
    static let plugins: [String: Printer] = [
        "plugins.apus.dev/Plugin": { object, _ in
            let (spec, status) = (object["spec"], object["status"])
            // Until a host has looked at it, a Plugin is what it asks to be.
            let isolation = status["isolation"].isEmpty ? spec["isolation"] : status["isolation"]
            let path = text(status["library"]).isEmpty ? spec["library"] : status["library"]
            return [
                "Kind": text(spec["kind"]), "State": text(status["state"], or: "Pending"), "Isolation": text(isolation, or: "None"),
                "Calls": count(status["calls"]),
                "Errors": count(status["errors"]), "P99": text(status["p99"], or: none), "Version": text(status["version"], or: none),
                "Library": .string(path.string?.split(separator: "/").last.map(String.init) ?? ""), "Reason": text(status["reason"]),
            ]
        }
    ]
}
