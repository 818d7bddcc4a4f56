/// The five fields of a cron line, or one of the named schedules, as upstream's cron library reads them.
enum CronSchedule {
    private static let bounds: [(low: Int, high: Int, names: [String])] = [
        (0, 59, []), (0, 23, []), (1, 31, []),
        (1, 12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        (0, 6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ]

    /// What is wrong with `text`, `nil` when it is good.
    static func problem(_ text: String) -> String? {
        if text.hasPrefix("@") {
            if ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"].contains(text) { return nil }
            if text.hasPrefix("@every ") { return isDuration(text.dropFirst(7)) ? nil : "failed to parse duration \(text)" }
            return "unrecognized descriptor: \(text)"
        }
        let fields = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 5 else { return "expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]" }
        for (field, bound) in zip(fields, bounds) {
            for part in field.split(separator: ",", omittingEmptySubsequences: true) {
                if let problem = problem(String(part), bound) { return problem }
            }
        }
        return nil
    }

    private static func problem(_ part: String, _ bound: (low: Int, high: Int, names: [String])) -> String? {
        let stepped = part.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard stepped.count <= 2 else { return "too many slashes: \(part)" }
        let ends = stepped[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard ends.count <= 2 else { return "too many hyphens: \(part)" }
        var numbers: [Int] = []
        if ends != ["*"], ends != ["?"] {
            for end in ends {
                if let index = bound.names.firstIndex(of: end.lowercased()) {
                    numbers.append(index + bound.low)
                } else if let number = Int(end), number >= 0 {
                    numbers.append(number)
                } else {
                    return "failed to parse int from \(end): strconv.Atoi: parsing \"\(end)\": invalid syntax"
                }
            }
        }
        if let first = numbers.first, first < bound.low { return "beginning of range (\(first)) below minimum (\(bound.low)): \(part)" }
        if let last = numbers.last, last > bound.high { return "end of range (\(last)) above maximum (\(bound.high)): \(part)" }
        if numbers.count == 2, numbers[0] > numbers[1] {
            return "beginning of range (\(numbers[0])) beyond end of range (\(numbers[1])): \(part)"
        }
        if stepped.count == 2 {
            guard let step = Int(stepped[1]) else {
                return "failed to parse int from \(stepped[1]): strconv.Atoi: parsing \"\(stepped[1])\": invalid syntax"
            }
            if step <= 0 { return "step of range should be a positive number: \(part)" }
        }
        return nil
    }

    private static func isDuration(_ text: Substring) -> Bool {
        var rest = text
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest.removeFirst(number.count)
            guard !number.isEmpty, let unit = ["ms", "us", "ns", "h", "m", "s"].first(where: { rest.hasPrefix($0) }) else { return false }
            rest.removeFirst(unit.count)
        }
        return true
    }
}
