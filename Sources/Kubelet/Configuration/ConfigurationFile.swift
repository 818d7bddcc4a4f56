public import APIModel
internal import OrderedCollections

/// A kubelet's configuration as upstream's kind: what `--config` reads and `/configz` shows.
public enum ConfigurationFile {
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String

        init(description: String) { self.description = description }

        /// In the words of upstream's validation.
        init(invalid what: String) { description = "invalid configuration: \(what)" }
    }

    private static let apiVersion = "kubelet.config.k8s.io/v1beta1"
    private static let kind = "KubeletConfiguration"

    /// Changes `configuration` as the file says.
    /// - Throws: `Problem` for what is no such file, a field that there is not, and a value that does not do.
    public static func apply(_ file: Value, to configuration: inout KubeletConfiguration) throws(Problem) {
        guard file["apiVersion"].string == apiVersion, file["kind"].string == kind else {
            throw Problem(description: "this is no \(kind) of \(apiVersion)")
        }
        var draft = Draft(configuration)
        for (name, value) in file.fields where name != "apiVersion" && name != "kind" {
            guard let field = ConfigurationField.all.first(where: { $0.name == name }) else {
                throw Problem(description: "unknown field \"\(name)\": this kubelet has no such setting")
            }
            guard !value.isNull else { continue }
            do { try field.read(value, &draft) } catch { throw Problem(description: "\(name): \(error)") }
        }
        configuration = try draft.finished()
    }

    /// What `/configz` answers.
    static func configz(_ configuration: KubeletConfiguration) -> Value {
        let draft = Draft(configuration)
        var file: Value = ["kind": .string(kind), "apiVersion": .string(apiVersion)]
        for field in ConfigurationField.all { file[field.name] = field.write(draft) }
        return ["kubeletconfig": file]
    }

    /// A configuration that is being read: thresholds mean something together only.
    struct Draft {
        var configuration: KubeletConfiguration
        var eviction: EvictionSettings
        /// Whether hard thresholds that the file does not name are upstream's.
        var mergesEvictionDefaults = false

        init(_ configuration: KubeletConfiguration) {
            self.configuration = configuration
            eviction = configuration.eviction.settings
        }

        func finished() throws(Problem) -> KubeletConfiguration {
            var (configuration, eviction) = (configuration, eviction)
            if mergesEvictionDefaults { eviction.hard.merge(EvictionSettings.defaultHard) { own, _ in own } }
            do { configuration.eviction = try EvictionPolicy(eviction) } catch { throw Problem(description: error.description) }
            if let reserved = CPUSet(configuration.reservedCPUs), !reserved.isEmpty {
                // As upstream: those named are all that is set aside.
                configuration.kubeReserved["cpu"] = nil
                configuration.systemReserved["cpu"] = String(reserved.count)
            }
            let (all, critical) = (configuration.shutdownGracePeriod, configuration.shutdownGracePeriodCriticalPods)
            if critical > all {
                let texts = (GoDuration.text(seconds: critical), GoDuration.text(seconds: all))
                throw Problem(
                    description:
                        "invalid configuration: shutdownGracePeriodCriticalPods {\(texts.0)} must be <= shutdownGracePeriod {\(texts.1)}")
            }
            if !configuration.shutdownGroups.isEmpty && all > 0 {
                throw Problem(
                    description:
                        "invalid configuration: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time"
                )
            }
            let logs = configuration.podLogsDirectory
            if !logs.hasPrefix("/") { throw Problem(invalid: "pod logs path \"\(logs)\" must be absolute path") }
            if configuration.logMonitorPeriod < 3 {
                throw Problem(invalid: "containerLogMonitorInterval must be a positive time duration greater than or equal to 3s")
            }
            let images = configuration.imageCollection
            if images.maximumAge > 0 && images.maximumAge <= images.minimumAge {
                let texts = (GoDuration.text(seconds: images.maximumAge), GoDuration.text(seconds: images.minimumAge))
                throw Problem(invalid: "imageMaximumGCAge \(texts.0) must be greater than imageMinimumGCAge \(texts.1)")
            }
            if let problem = configuration.pullVerification.problem { throw Problem(invalid: problem) }
            // Upstream's words.
            guard images.lowThreshold < images.highThreshold else {
                throw Problem(
                    description:
                        "invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) \(images.lowThreshold) must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) \(images.highThreshold)"
                )
            }
            return configuration
        }
    }
}
