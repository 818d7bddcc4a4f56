import APIModel
import Exposition

/// Which version this is, as those ask who watch over clusters of several.
struct BuildMetrics: MetricsSource {
    let version: VersionInfo

    private static let labels = [
        ("build_date", "buildDate"), ("compiler", "compiler"), ("git_commit", "gitCommit"), ("git_tree_state", "gitTreeState"),
        ("git_version", "gitVersion"), ("go_version", "goVersion"), ("major", "major"), ("minor", "minor"), ("platform", "platform"),
    ]

    func write(to text: inout MetricsText) {
        let told = version.value
        text.family(
            "kubernetes_build_info", .gauge, "Always 1: the labels say which version this is.",
            [(Self.labels.map { ($0, told[$1].string ?? "") }, "1")])
    }
}
