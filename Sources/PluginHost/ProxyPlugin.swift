internal import Dispatch
public import PluginAPI

/// The running proxy. One caller at a time, blocking: for the proxy loop's own thread.
public final class ProxyPlugin: Sendable {
    public let name: String
    /// What kind of proxy it is: the component of its library, `nftables`.
    public let mode: String
    private let component: LoadedComponent
    private let synced = DispatchSemaphore(value: 0)

    /// Grows when the plugin lost its state: its process was started again.
    public var incarnation: UInt64 { component.incarnation }

    init(_ component: LoadedComponent) {
        self.component = component
        name = component.manifest.name
        mode = component.manifest.component
    }

    /// - Throws: `ProxyError` with the plugin's sentence; then nothing has changed, and the next `previous` must be zero.
    public func sync(_ wanted: UnsafePointer<apus_services>) throws {
        var sentence = Collector()
        let answer = component.call(0, apus_proxy.self, into: &sentence) { $0.sync($1, wanted, $2) }
        guard answer.status == APUS_OK else {
            throw ProxyError(
                status: answer.status, message: answer.problem ?? sentence.textOr("the proxy answered \(statusName(answer.status))"))
        }
    }

    /// Removes everything the plugin ever put in place. Also when the plugin does not run any more, but is not torn down yet.
    public func cleanup() throws { try component.cleanUp() }

    /// The proxy loop says that this proxy carries the traffic: a `sync` with everything answered OK.
    public func didSync() { synced.signal() }

    /// Waits until `didSync` was called. Blocks. Returns whether it was, in time.
    func waitUntilSynced(seconds: Int) -> Bool {
        guard synced.wait(timeout: .now() + .seconds(seconds)) == .success else { return false }
        synced.signal()
        return true
    }
}

/// A proxy's refusal.
public struct ProxyError: Error, Sendable, CustomStringConvertible {
    public var status: apus_status
    public var message: String
    public var description: String { message }
}
