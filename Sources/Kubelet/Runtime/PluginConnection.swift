import PluginHost

/// A plugin's stream as the kubelet's connection.
struct PluginConnection: RuntimeConnection {
    private let stream: RuntimeStream

    init(_ stream: RuntimeStream) { self.stream = stream }

    func receive() async throws -> (channel: Int32, bytes: [UInt8])? {
        // The iterator holds nothing; all is in the stream.
        var iterator = stream.makeAsyncIterator()
        return await iterator.next().map { ($0.channel, $0.bytes) }
    }

    func send(_ channel: Int32, _ bytes: [UInt8]) async throws { try await stream.send(channel, bytes) }
    func close() async { await stream.close() }
}
