/// Why a message could not be written or read.
enum WireError: Error, Equatable {
    /// The far side sent what no honest side sends.
    case malformed(String)
    /// What this side was asked to send cannot be sent.
    case refused(String)
}
