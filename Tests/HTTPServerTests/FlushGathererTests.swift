import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// What the streams of a connection write in one turn of its event loop goes out together.
struct FlushGathererTests {
    private static func pieces(_ channel: EmbeddedChannel) throws -> [Int] {
        var sizes: [Int] = []
        while let piece = try channel.readOutbound(as: ByteBuffer.self) { sizes.append(piece.readableBytes) }
        return sizes
    }

    /// Sizes of what is written, each flushed, and of the pieces that come out.
    @Test(
        arguments: [
            ([9, 1500, 9, 40], [1558]),
            // More than fits into one record begins another.
            ([4000, 4000, 4000, 4000, 4000], [16000, 4000]),
            // What is large goes as it is, after what came before it.
            ([9, 100_000, 9, 9], [9, 100_000, 18]),
            ([4096], [4096]), ([4097, 1], [4097, 1]),
        ] as [([Int], [Int])])
    func gathers(written: [Int], expected: [Int]) throws {
        let channel = EmbeddedChannel(handler: FlushGatherer())
        for size in written { channel.writeAndFlush(ByteBuffer(repeating: 7, count: size), promise: nil) }
        #expect(try Self.pieces(channel).isEmpty)
        channel.embeddedEventLoop.run()
        #expect(try Self.pieces(channel) == expected)
        #expect(try channel.finish().isClean)
    }

    @Test func bytesKeepTheirOrder() throws {
        let channel = EmbeddedChannel(handler: FlushGatherer())
        for number in 0..<3 { channel.write(ByteBuffer(bytes: [UInt8(number)]), promise: nil) }
        channel.flush()
        channel.embeddedEventLoop.run()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(bytes: [0, 1, 2]))
    }

    /// Whoever waits for what it wrote is told once it is out.
    @Test func everybodyIsTold() throws {
        let channel = EmbeddedChannel(handler: FlushGatherer())
        let written = (0..<3).map { _ in channel.write(ByteBuffer(repeating: 7, count: 10)) }
        let told = NIOLoopBoundBox(0, eventLoop: channel.eventLoop)
        for future in written { future.whenSuccess { told.value += 1 } }
        channel.embeddedEventLoop.run()
        #expect(told.value == 0)
        channel.flush()
        channel.embeddedEventLoop.run()
        #expect(told.value == 3)
    }

    /// What was flushed before the connection closes goes out.
    @Test func closingSendsWhatIsDue() throws {
        let channel = EmbeddedChannel(handler: FlushGatherer())
        channel.writeAndFlush(ByteBuffer(repeating: 7, count: 10), promise: nil)
        channel.close(promise: nil)
        #expect(try Self.pieces(channel) == [10])
    }
}
