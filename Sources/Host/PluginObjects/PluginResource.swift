internal import APIModel

extension GroupVersionResource {
    static let plugins = GroupVersionResource(group: "plugins.apus.dev", version: "v1alpha1", resource: "plugins")
}

/// What the host writes on Plugin objects beside their specification.
enum PluginAnnotation {
    /// The fingerprint of the specification that came from a manifest file: where it still fits, nobody has changed the object through the
    /// API.
    static let manifest = "plugins.apus.dev/manifest"
    /// The SHA-256 that the host filled in, because the file pins none: that is the host's to bring up to date, whatever else has changed.
    static let pinned = "plugins.apus.dev/pinned"
    /// How the plugin took the host down, and the generation that did: `CrashMark`.
    static let crash = "plugins.apus.dev/crash"
    static let crashGeneration = "plugins.apus.dev/crash-generation"
}
