import APIModel

/// Runs a container's `postStart` and `preStop`. Upstream: `lifecycle/handlers.go`.
struct Hooks: Sendable {
    let cri: CRI
    let events: any EventSink
    let pod: Pod
    let container: Value
    /// The container's id in the runtime.
    let id: String
    /// The pod's address.
    let host: String
    let userAgent: String

    /// Returns why the hook failed, in a sentence, or `nil`. A hook may take as long as the grace period, which its caller watches.
    func run(_ hook: Value) async -> String? {
        if !hook["exec"].isNull { return await exec(hook[path: "exec", "command"].elements.compactMap(\.string)) }
        if !hook["httpGet"].isNull { return await http(hook["httpGet"]) }
        if let seconds = hook[path: "sleep", "seconds"].seconds {
            do { try await Task.sleep(for: .seconds(seconds)) } catch {
                return sentence("Sleep", "\(seconds)", "container terminated before sleep hook finished")
            }
            return nil
        }
        // The API takes a TCP hook, and no kubelet ever ran one.
        return "Cannot run handler: invalid handler: \(String(decoding: JSON.encode(hook), as: UTF8.self))"
    }

    private func sentence(_ kind: String, _ what: String, _ error: String) -> String {
        "\(kind) lifecycle hook (\(what)) for Container \(FieldError.quoted(container.name)) in Pod "
            + "\(FieldError.quoted("\(pod.name)_\(pod.namespace)(\(pod.uid))")) failed - error: \(error)"
    }

    private func exec(_ command: [String]) async -> String? {
        let what = "[\(command.joined(separator: " "))]"
        do {
            let answer = try await cri.exec(id, command, timeout: 0)
            if answer.exitCode == 0 { return nil }
            let error = "command '\(command.joined(separator: " "))' exited with \(answer.exitCode): \(answer.errors)"
            return sentence("Exec", what, "\(error), message: \(FieldError.quoted(answer.all))")
        } catch {
            return sentence("Exec", what, "\(error), message: \"\"")
        }
    }

    /// Any answer will do. What is asked by HTTPS and does not speak it is asked without.
    private func http(_ action: Value) async -> String? {
        let handler = Handler(cri: cri)
        do throws(Handler.HTTPFailure) {
            var target = try Handler.target(action, of: container, host)
            if target.host.isEmpty { throw Handler.HTTPFailure(description: "failed to find networking container") }
            let headers = action["httpHeaders"].elements
            do throws(Handler.HTTPFailure) {
                _ = try await handler.get(target, headers, timeout: Self.longest, userAgent: userAgent)
            } catch {
                guard error.isPlain else { throw error }
                target.isTLS = false
                // Whoever speaks no TLS has no need of this.
                let rest = headers.filter { $0.name.lowercased() != "authorization" }
                _ = try await handler.get(target, rest, timeout: Self.longest, userAgent: userAgent)
                events.event(
                    about: pod, .warning, "LifecycleHTTPFallback",
                    "request to HTTPS lifecycle hook \(target.authority) got HTTP response, retry with HTTP succeeded")
            }
            return nil
        } catch {
            return sentence("HTTP", action["path"].string ?? "", error.description)
        }
    }

    private static let longest: Whole = 3600
}
