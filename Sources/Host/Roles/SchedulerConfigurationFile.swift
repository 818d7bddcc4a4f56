internal import APIModel
internal import PluginHost
internal import Scheduler

/// The file that a flag names for the scheduler.
enum SchedulerConfigurationFile {
    /// Upstream's defaults without a file.
    /// - Parameter isAlone: whether the scheduler is a process of its own, which finds the API by itself and may have to wait for its turn.
    /// - Throws: `StartupFailure` that names flag, file and reason.
    static func read(_ path: String?, of flag: String, isAlone: Bool) throws -> SchedulerConfiguration {
        guard let path else { return SchedulerConfiguration() }
        let text = try TextFile.read(path, of: flag)
        do {
            let configuration = try SchedulerConfiguration(text)
            if !isAlone, configuration.kubeconfig != nil || configuration.leaderElect == true {
                throw StartupFailure(
                    "\(flag): \(path): clientConnection.kubeconfig and leaderElection.leaderElect are for a scheduler by itself")
            }
            return configuration
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("\(flag): \(path): \(problem)")
        }
    }

    /// Whether the policies that it names are among the host's plugins.
    static func check(_ configuration: SchedulerConfiguration, _ host: PluginHost, of flag: String) throws {
        do {
            try configuration.check(policies: Set(host.plugins.map(\.name)))
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("\(flag): \(problem)")
        }
    }
}
