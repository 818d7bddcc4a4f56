internal import APIModel
internal import PluginKit

/// How much of the cluster's processors each zone has.
///
/// Counted are Nodes that are ready and no part of the control plane. Empty where fewer than two zones have any, or where one of the
/// Nodes does not say its zone or its processors: then nobody can tell what a fair share is.
struct ZoneShares: Equatable {
    /// What one Node brings.
    struct Part: Equatable {
        var zone: String
        /// In thousandths, so that sums are exact.
        var processors: Double

        var isWhole: Bool { !zone.isEmpty && processors > 0 }
    }

    /// They make one together.
    let byZone: [String: Double]

    init(_ parts: [Part]) {
        let processors = Dictionary(parts.map { ($0.zone, $0.processors) }, uniquingKeysWith: +)
        let all = processors.values.reduce(0, +)
        byZone = processors.count < 2 || !parts.allSatisfy(\.isWhole) ? [:] : processors.mapValues { $0 / all }
    }
}

extension ZoneShares.Part {
    /// `nil` of a Node that is not counted.
    init?(of node: Value) {
        let labels = node["metadata"]["labels"]
        let isControlPlane = ["control-plane", "master"].contains { !labels["node-role.kubernetes.io/\($0)"].isNull }
        guard !node.isNull, !isControlPlane, Conditions.isTrue(node["status"], type: "Ready") else { return nil }
        zone = labels[NodeLabel.zone].string ?? ""
        let quantity = try? Quantity(node["status"]["allocatable"]["cpu"].string ?? "0")
        processors = ((quantity ?? .zero).approximateDouble * 1000).rounded(.up)
    }
}
