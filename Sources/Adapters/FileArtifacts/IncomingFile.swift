// What the store asks of the file system, in the order that survives power loss.
private import Foundation
internal import Ports

/// A file that has no name of its own yet; it is removed unless it is published.
final class IncomingFile: Sendable {
    private let path: String
    private let descriptor: Int32

    init(root: String) throws(ArtifactError) {
        path = "\(root)/incoming/\(UUID().uuidString)"
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ArtifactError(.unavailable, "\(path) cannot be made: \(Disk.reason())") }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    func write(_ bytes: [UInt8]) throws(ArtifactError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ArtifactError(.unavailable, "the artifact cannot be written: \(Disk.reason()); nothing was stored") }
            written += count
        }
    }

    /// Durable when it returns: the bytes first, then the name. An fsync that failed is never tried again on the same file.
    func publish(as target: String, in folder: String) throws(ArtifactError) {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else {
            throw ArtifactError(.unavailable, "the artifact cannot be stored: \(Disk.reason())")
        }
        try Disk.sync(folder)
    }
}

enum Disk {
    /// Made for the owner only, and on the disk when this returns; one that exists must be a folder and no link to one.
    static func makeFolder(_ path: String) throws(ArtifactError) {
        let parent = (path as NSString).deletingLastPathComponent
        if mkdir(path, 0o700) == 0 { return try sync(parent) }
        if errno == ENOENT {
            try makeFolder(parent)
            return try makeFolder(path)
        }
        var status = stat()
        guard errno == EEXIST else { throw ArtifactError(.unavailable, "the folder \(path) cannot be made: \(reason())") }
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ArtifactError(.unavailable, "\(path) must be a folder, and no link to one")
        }
    }

    static func sync(_ folder: String) throws(ArtifactError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ArtifactError(.unavailable, "\(folder) cannot be synced: \(reason())") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ArtifactError(.unavailable, "\(folder) cannot be synced: \(reason())") }
    }

    static func isFile(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Files that cannot be removed stay: they do no harm.
    static func removeFiles(in folder: String, olderThanSeconds age: Int) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mtim.tv_sec < time(nil) - age else { continue }
            unlink(path)
        }
    }

    static func reason() -> String { String(cString: strerror(errno)) }
}
