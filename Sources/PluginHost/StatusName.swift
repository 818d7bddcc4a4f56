internal import PluginAPI

/// A status for people.
func statusName(_ status: apus_status) -> String { statusNames[status] ?? "\(status), which is no status" }

/// Whether the ABI has such a status.
func isStatus(_ status: apus_status) -> Bool { statusNames[status] != nil }

private let statusNames: [apus_status: String] = [
    APUS_OK: "OK", APUS_FAULT: "FAULT", APUS_UNSUPPORTED: "UNSUPPORTED", APUS_INVALID: "INVALID", APUS_NOT_FOUND: "NOT_FOUND",
    APUS_ALREADY_EXISTS: "ALREADY_EXISTS", APUS_CONFLICT: "CONFLICT", APUS_FORBIDDEN: "FORBIDDEN", APUS_CANCELLED: "CANCELLED",
    APUS_UNAVAILABLE: "UNAVAILABLE",
    APUS_UNSCHEDULABLE: "UNSCHEDULABLE", APUS_UNRESOLVABLE: "UNRESOLVABLE", APUS_RETRY: "RETRY", APUS_DENIED: "DENIED",
    APUS_WAIT: "WAIT",
]
