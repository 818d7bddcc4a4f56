internal import APIModel
internal import ArgumentParser
internal import Logging
internal import PluginHost

/// What plugins there are and how they are.
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plugin", abstract: "Look at plugins.", subcommands: [List.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List every plugin with its state and the reason for it.")

        @OptionGroup var data: DataOptions
        @OptionGroup var plugins: PluginOptions

        func run() throws {
            let directory = DataDirectory(data.dataDir)
            let rows: [Value]
            if directory.owner != nil, let report = PluginReport.read(directory) {
                rows = report
            } else {
                Output.line("apus does not run on \(directory.path): this is what it would load.")
                rows = try dryRun()
            }
            let table =
                [["NAME", "KIND", "STATE", "VERSION", "LIBRARY", "REASON"]]
                + rows.map { row in
                    [row["name"], row["kind"], row["state"], row["version"], .string(row["library"].string?.split(separator: "/").last.map(String.init) ?? ""), row["reason"]].map {
                        $0.string ?? ""
                    }
                }
            let widths = (0..<6).map { column in table.map { $0[column].count }.max() ?? 0 }
            for row in table {
                let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                Output.line(cells.joined(separator: "   ").trimmingSuffix { $0 == " " })
            }
        }

        private func dryRun() throws -> [Value] {
            let places = try PluginPlaces(plugins)
            var configuration = PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries)
            // Any file that can be read will do: nothing is started.
            configuration.config = [
                "root-ca": ["caFile": .string("\(places.manifests)/controller-root-ca.yaml")], "runtime-cri": ["endpoint": "unix:///run/containerd/containerd.sock"],
            ]
            let host = PluginHost(configuration, log: Logger(label: "plugins") { _ in SwiftLogNoOpLogHandler() })
            do { try host.load() } catch { throw StartupFailure("\(error)") }
            return PluginReport.rows(host.plugins)
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(while matches: (Character) -> Bool) -> String {
        var rest = self[...]
        while let last = rest.last, matches(last) { rest.removeLast() }
        return String(rest)
    }
}
