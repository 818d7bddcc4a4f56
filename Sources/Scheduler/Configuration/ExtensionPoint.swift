/// Where a plugin of upstream's framework does something. The raw value is the configuration's.
enum ExtensionPoint: String, CaseIterable, Sendable {
    // In the order in which upstream fills them.
    case preFilter, filter, postFilter, reserve, preScore, score, preBind, bind, postBind, permit, preEnqueue, queueSort

    /// As upstream calls what does something here: `FilterPlugin`.
    var pluginType: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() + "Plugin" }
}
