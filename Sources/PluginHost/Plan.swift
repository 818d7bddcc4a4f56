/// Which of the plugins that are asked for run, and why the others do not. A value: it says what should be, and does nothing.
///
/// In this order: the process and its configuration choose, the manifest may be disabled; what another one replaces does not run; and of a
/// kind that there is one of, the one that runs goes on.
struct Plan: Sendable, Equatable {
    enum Verdict: Sendable, Hashable {
        case run
        case skip(String)
    }

    /// One plugin that is asked for, and how it stands.
    struct Candidate: Sendable {
        var manifest: PluginManifest
        /// It is to go.
        var isRemoved = false
        /// Something of it runs: this manifest's instance, or an earlier one's.
        var isRunning = false
        /// This manifest could not be made to run.
        var hasFailed = false
    }

    /// What the process's configuration has to say.
    struct Rules: Sendable {
        /// `nil` means every kind.
        var kinds: Set<ExtensionKind>?
        /// Of controllers; `nil` means all.
        var place: ControllerManifest.Place?
        var enable: Set<String> = []
        var disable: Set<String> = []
        var choose: [ExtensionKind: String] = [:]

        /// Why a plugin is out of the question, whatever the others do; `nil` when it is not.
        fileprivate func objection(to candidate: Candidate) -> String? {
            let manifest = candidate.manifest
            if candidate.isRemoved { return "it was removed" }
            if let kinds, !kinds.contains(manifest.kind) { return "this process runs no \(manifest.kind.rawValue)" }
            if let place, let controller = manifest.controller, controller.place != place {
                return "this process runs no Controller of the \(controller.place.rawValue.lowercased())"
            }
            if let chosen = choose[manifest.kind], manifest.mode == .active {
                return chosen == manifest.name ? nil : "plugin \(chosen) was chosen"
            }
            if disable.contains(manifest.name) { return "disabled by configuration" }
            if !manifest.enabled && !enable.contains(manifest.name) { return "disabled by its manifest" }
            return nil
        }
    }

    /// By position of the candidates.
    private(set) var verdicts: [Verdict]

    init(_ candidates: [Candidate], _ rules: Rules) {
        verdicts = candidates.map { candidate in rules.objection(to: candidate).map(Verdict.skip) ?? .run }
        applyReplacements(candidates)
        for kind in ExtensionKind.allCases where !kind.descriptor.isShared { applyUniqueness(of: kind, candidates) }
    }

    /// What runs, or may yet: it can stand in another one's place.
    private func stands(_ index: Int, _ candidate: Candidate) -> Bool {
        verdicts[index] == .run && candidate.manifest.mode == .active && (candidate.isRunning || !candidate.hasFailed)
    }

    /// A plugin that is replaced still keeps away what it replaces itself: an old version does not come back because two newer ones follow
    /// each other.
    private mutating func applyReplacements(_ candidates: [Candidate]) {
        let standing = candidates.indices.filter { stands($0, candidates[$0]) }
        var replacer: [Int: Int] = [:]
        let replacements = standing.compactMap { index -> (index: Int, other: Int)? in
            let manifest = candidates[index].manifest
            let other = standing.first {
                candidates[$0].manifest.name == manifest.replaces && candidates[$0].manifest.kind == manifest.kind
            }
            return other.map { (index, $0) }
        }
        // Should some replace each other in a circle, the one that runs goes on: what would replace it comes last, and closes the circle.
        for (index, other) in replacements.filter({ !candidates[$0.other].isRunning })
            + replacements.filter({ candidates[$0.other].isRunning })
        {
            var above = replacer[index]
            while let next = above, next != other { above = replacer[next] }
            if above == nil, replacer[other] == nil { replacer[other] = index }
        }
        for (other, index) in replacer { verdicts[other] = .skip("plugin \(candidates[index].manifest.name) replaces it") }
    }

    private mutating func applyUniqueness(of kind: ExtensionKind, _ candidates: [Candidate]) {
        let rivals = candidates.indices.filter { candidates[$0].manifest.kind == kind && stands($0, candidates[$0]) }
        guard let first = rivals.first(where: { candidates[$0].isRunning }) ?? rivals.first else { return }
        for rival in rivals where rival != first {
            verdicts[rival] = .skip(
                "\(candidates[first].manifest.name) is the \(kind.rawValue) that runs; name it in spec.replaces or disable it")
        }
    }
}
