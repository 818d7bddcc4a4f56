import APIModel

/// The static tokens of `--token-auth-file`: lines of `token,user,uid,"group1,group2"`.
public struct TokenFile: TokenAuthenticator {
    private let users: [String: UserInfo]

    /// - Throws: `APIError` naming the first line that is wrong.
    public init(_ text: String) throws {
        var users: [String: UserInfo] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let columns = Self.columns(line)
            guard columns.count >= 3, !columns[0].isEmpty, !columns[1].isEmpty else {
                throw APIError.badRequest(
                    "token auth file, line \(index + 1): expected at least 3 columns (token, user name, user uid), found \(columns.count)")
            }
            let groups = columns.count > 3 ? columns[3].split(separator: ",").map { $0.trimmed } : []
            users[columns[0]] = UserInfo(name: columns[1], uid: columns[2], groups: groups)
        }
        self.users = users
    }

    public func authenticate(token: String, audiences: [String]) -> TokenResult {
        users[token].map { .user($0, audiences: nil) } ?? .unknown
    }

    /// The columns of a line of CSV, in which quotes keep commas together.
    private static func columns(_ line: String) -> [String] {
        var columns = [""]
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: columns.append("")
            default: columns[columns.count - 1].append(character)
            }
        }
        return columns.map { $0.trimmed }
    }
}
