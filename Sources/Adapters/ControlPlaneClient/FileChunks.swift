// A file's bytes, a piece at a time, read on threads that may wait.
private import Foundation
internal import NIOCore
internal import NIOPosix
internal import Primitives

/// Reads a file from its beginning each time it is iterated. Memory is one piece, whatever the file's size.
struct FileChunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    var path: String

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var reader: Reader

        mutating func next() async throws -> ByteBuffer? {
            let reader = reader
            return try await NIOThreadPool.singleton.runIfActive { try reader.next() }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: Reader(path: path)) }

    /// The digest of the whole file, and its size.
    func measure() async throws -> (digest: Digest, bytes: Int) {
        var hasher = DigestHasher()
        var bytes = 0
        for try await chunk in self {
            chunk.withUnsafeReadableBytes { hasher.update($0) }
            bytes += chunk.readableBytes
        }
        return (hasher.finalize(), bytes)
    }

    /// `@unchecked`: only its iterator calls it, and waits for each call before the next.
    fileprivate final class Reader: @unchecked Sendable {
        private let path: String
        private var handle: FileHandle?

        init(path: String) { self.path = path }

        func next() throws -> ByteBuffer? {
            if handle == nil { handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) }
            guard let data = try handle?.read(upToCount: 256 * 1024), !data.isEmpty else { return nil }
            return ByteBuffer(bytes: data)
        }
    }
}
