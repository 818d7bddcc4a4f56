public import APIModel

/// What controllers ask about a Job.
public enum JobState {
    /// The condition that it ended with, `Complete` or `Failed`; `.null` for one that still runs.
    public static func end(of job: Value) -> Value {
        job["status"]["conditions"].elements.first {
            ["Complete", "Failed"].contains($0["type"].string ?? "") && $0["status"].string == "True"
        } ?? .null
    }
}
