extension TypeRules {
    static let cronJob: [String: Rule] = [
        "batch.v1.CronJobSpec": { spec, path, errors in
            let (schedule, field) = (spec["schedule"].string ?? "", path.child("schedule"))
            let hasZone = schedule.hasPrefix("TZ=") || schedule.hasPrefix("CRON_TZ=")
            let line = hasZone ? String(schedule.drop { $0 != " " }.drop { $0 == " " }) : schedule
            let zone = hasZone ? String(schedule.drop { $0 != "=" }.dropFirst().prefix { $0 != " " }) : "UTC"
            if ZoneInfo.named(zone) == nil {
                let message = "provided bad location \(zone): unknown time zone \(zone)"
                errors.append(.invalid(field, .string(schedule), message))
            } else if !schedule.isEmpty {
                do throws(CronSchedule.Problem) { _ = try CronSchedule(line) } catch {
                    errors.append(.invalid(field, .string(schedule), error.description))
                }
            }
            if schedule.contains("TZ") {
                let message = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
                errors.append(.invalid(field, .string(schedule), message))
            }
            if let zone = spec["timeZone"].string { timeZone(zone, path.child("timeZone"), &errors) }
        }
    ]

    private static func timeZone(_ zone: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        func refuse(_ message: String) { errors.append(.invalid(path, .string(zone), message)) }
        if zone.isEmpty { return refuse("timeZone must be nil or non-empty string") }
        guard ZoneInfo.isWellFormed(zone) else { return refuse("unknown time zone \(zone)") }
        if zone.lowercased() == "local" {
            refuse("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        }
        if zone != "Local", ZoneInfo.named(zone) == nil { refuse("unknown time zone \(zone)") }
    }
}
