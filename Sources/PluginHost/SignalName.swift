/// Signals as people know them.
public enum SignalName {
    private static let names: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
        11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 31: "SIGSYS",
    ]

    /// `signal 11 (SIGSEGV)`.
    public static func of(_ number: Int32) -> String { "signal \(number)" + (names[number].map { " (\($0))" } ?? "") }
}
