// Artifacts as files, named by their digests.
private import Foundation
package import Ports
package import Primitives
private import Synchronization

/// `<folder>/sha256/<two hex digits>/<hex>`, folders 0700 and files 0600. A file appears under its name by a rename after its bytes and
/// their digest are on the disk, so that a name never shows other or fewer bytes.
package struct FileArtifacts: ArtifactStore {
    private let root: String
    /// Disks block: never on an event loop or the shared async threads.
    private let disk: OperationQueue
    private let shards: Shards

    /// Makes the folder when it is missing, and removes what a crash left in `incoming` more than a day ago.
    package init(folder: String) throws(ArtifactError) {
        root = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
        disk = OperationQueue()
        disk.name = "penstock.artifacts"
        disk.maxConcurrentOperationCount = 4
        for path in [root, root + "/sha256", root + "/incoming"] { try Disk.makeFolder(path) }
        // A process that was killed may have made them and synced nothing.
        let parent = (root as NSString).deletingLastPathComponent
        if access(parent, R_OK) == 0 { try Disk.sync(parent) }
        try Disk.sync(root)
        shards = Shards(folder: root + "/sha256")
        Disk.removeFiles(in: root + "/incoming", olderThanSeconds: 24 * 3600)
    }

    /// Written again even when it is there: the name alone does not say that its bytes are whole, or on the disk yet.
    package func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        try await onDisk { () throws(ArtifactError) in
            let digest = Digest.of(bytes)
            let file = try IncomingFile(root: root)
            try file.write(bytes)
            try publish(file, as: digest)
            return digest
        }
    }

    package func put(
        stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int
    ) async throws(ArtifactError) {
        let file = try await onDisk { () throws(ArtifactError) in try IncomingFile(root: root) }
        var hasher = DigestHasher()
        var count = 0
        do {
            for try await chunk in chunks {
                guard chunk.count <= limit - count else { throw ArtifactError(.tooLarge, "the artifact has more than \(limit) bytes; nothing was stored", digest: expected) }
                count += chunk.count
                hasher.update(chunk)
                try await onDisk { () throws(ArtifactError) in try file.write(chunk) }
            }
        } catch let error as ArtifactError {
            throw error
        } catch {
            throw ArtifactError(.unavailable, "the upload broke off: \(error); nothing was stored", digest: expected)
        }
        let digest = hasher.finalize()
        guard digest == expected else {
            throw ArtifactError(.damaged, "what arrived has digest \(digest), not \(expected); nothing was stored", digest: expected)
        }
        try await onDisk { () throws(ArtifactError) in try publish(file, as: digest) }
    }

    package func contains(_ digest: Digest) async throws(ArtifactError) -> Bool {
        try await onDisk { () throws(ArtifactError) in
            guard access(path(of: digest), F_OK) == 0 else { return false }
            // Somebody may have renamed it and been killed, or not yet have synced: whoever builds on the answer needs it on the disk.
            try Disk.sync(try shards.make(digest))
            return true
        }
    }

    package func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8] {
        try await onDisk { () throws(ArtifactError) in try load(digest, limit: limit) }
    }

    package func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String {
        try await onDisk { () throws(ArtifactError) in
            var hasher = DigestHasher()
            try scan(digest) { hasher.update($0) }
            try check(hasher.finalize(), digest)
            return path(of: digest)
        }
    }

    private func load(_ digest: Digest, limit: Int) throws(ArtifactError) -> [UInt8] {
        var bytes: [UInt8] = []
        try scan(digest) { chunk throws(ArtifactError) in
            guard chunk.count <= limit - bytes.count else {
                throw ArtifactError(.tooLarge, "the artifact \(digest.short) has more than \(limit) bytes, the most that is read here", digest: digest)
            }
            bytes += chunk
        }
        try check(Digest.of(bytes), digest)
        return bytes
    }

    private func scan(_ digest: Digest, _ body: ([UInt8]) throws(ArtifactError) -> Void) throws(ArtifactError) {
        let descriptor = open(path(of: digest), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw unreadable(digest, Disk.reason()) }
            throw ArtifactError(.missing, "the artifact \(digest) is not in the store", digest: digest)
        }
        defer { close(descriptor) }
        guard Disk.isFile(descriptor) else { throw unreadable(digest, "\(path(of: digest)) is not a file") }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(digest, Disk.reason()) }
            if count == 0 { return }
            try body(Array(buffer[..<count]))
        }
    }

    private func unreadable(_ digest: Digest, _ reason: String) -> ArtifactError {
        ArtifactError(.unavailable, "the artifact \(digest.short) cannot be read: \(reason)", digest: digest)
    }

    private func check(_ found: Digest, _ digest: Digest) throws(ArtifactError) {
        guard found == digest else {
            throw ArtifactError(
                .damaged, "the artifact \(digest.short) was changed on disk: its bytes have digest \(found.short); its file is \(path(of: digest))", digest: digest)
        }
    }

    private func publish(_ file: IncomingFile, as digest: Digest) throws(ArtifactError) {
        try file.publish(as: path(of: digest), in: try shards.make(digest))
    }

    private func path(of digest: Digest) -> String { "\(root)/sha256/\(digest.hex.prefix(2))/\(digest.hex)" }

    private func onDisk<Result: Sendable, Failure: Error>(_ body: @escaping @Sendable () throws(Failure) -> Result) async throws(Failure) -> Result {
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<Swift.Result<Result, Failure>, Never>) in
            disk.addOperation {
                do throws(Failure) { continuation.resume(returning: .success(try body())) } catch { continuation.resume(returning: .failure(error)) }
            }
        }
        return try outcome.get()
    }
}

/// The folders of two hex digits. Each is made, or found, and its name synced once in a process before anything in it is called stored: one that is
/// there may be another thread's that has not synced it yet, or that of a process which was killed before it could.
private final class Shards: Sendable {
    private let folder: String
    private let durable = Mutex<Set<String>>([])

    init(folder: String) { self.folder = folder }

    /// Holds the lock while it syncs, so that nobody overtakes.
    func make(_ digest: Digest) throws(ArtifactError) -> String {
        let path = folder + "/" + digest.hex.prefix(2)
        let failure = durable.withLock { durable -> ArtifactError? in
            guard !durable.contains(path) else { return nil }
            do throws(ArtifactError) {
                try Disk.makeFolder(path)
                try Disk.sync(folder)
            } catch { return error }
            durable.insert(path)
            return nil
        }
        if let failure { throw failure }
        return path
    }
}
