/// Where a plugin of upstream's framework does something. The raw value is the configuration's.
enum ExtensionPoint: String, CaseIterable, Sendable {
    // In the order in which upstream fills them.
    case preFilter, filter, postFilter, reserve, preScore, score, preBind, bind, postBind, permit, preEnqueue, queueSort

    private static let names = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, $0.rawValue.prefix(1).uppercased() + $0.rawValue.dropFirst()) })

    /// As upstream's figures call it: `Filter`.
    var name: String { Self.names[self] ?? rawValue }

    /// As upstream calls what does something here: `FilterPlugin`.
    var pluginType: String { name + "Plugin" }
}
