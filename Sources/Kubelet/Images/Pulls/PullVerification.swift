import APIModel

/// For which images that are on the node a pod has to bring what they were pulled with. Upstream: `images/pullmanager/image_pull_policies.go`.
struct PullVerification: Equatable, Sendable {
    enum Policy: String, CaseIterable, Sendable {
        case never = "NeverVerify"
        /// For those that the kubelet pulled.
        case pulled = "NeverVerifyPreloadedImages"
        case unlisted = "NeverVerifyAllowlistedImages"
        case always = "AlwaysVerify"
    }

    var policy = Policy.pulled
    /// Names without tag and digest, or beginnings of names with `/*` at the end.
    var allowed: [String] = []

    func isNeeded(for image: String, wasPulled: Bool) -> Bool {
        switch policy {
        case .never: false
        case .pulled: wasPulled
        case .unlisted: !isAllowed(ImageReference.name(of: image) ?? image)
        case .always: true
        }
    }

    private func isAllowed(_ name: String) -> Bool {
        allowed.contains { $0.hasSuffix("/*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }

    /// What is wrong with it, in upstream's words.
    var problem: String? {
        if policy != .unlisted && !allowed.isEmpty {
            return
                "can't set `preloadedImagesVerificationAllowlist` if `imagePullCredentialsVertificationPolicy` is not \"NeverVerifyAllowlistedImages\""
        }
        return allowed.lazy.compactMap(Self.problem).first.map {
            "invalid image pattern in `preloadedImagesVerificationAllowlist`: \($0)"
        }
    }

    private static func problem(_ pattern: String) -> String? {
        if pattern.first?.isWhitespace == true || pattern.last?.isWhitespace == true {
            return "leading/trailing spaces are not allowed: \(pattern)"
        }
        let name = pattern.hasSuffix("/*") ? pattern.dropLast() : Substring(pattern)
        if name.isEmpty { return "the supplied pattern is too short: \(pattern)" }
        if name.contains("*") { return "not a valid wildcard pattern, only patterns ending with '/*' are allowed: \(pattern)" }
        if pattern.hasSuffix("/*") { return name == "/" ? "at least registry hostname is required" : nil }
        guard let bare = ImageReference.name(of: pattern) else { return "failed to parse as an image name: invalid reference format" }
        return bare == pattern ? nil : "neither tag nor digest is accepted in an image reference: \(pattern)"
    }
}
