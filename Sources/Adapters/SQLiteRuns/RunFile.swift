// The file of the history of runs and its lock: made for their owner only.
private import Foundation
package import Ports

enum RunFile {
    static func prepare(_ path: String) throws(RunCatalogError) {
        try makeFolder(folder(of: path))
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        var status = stat()
        guard errno == EEXIST, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RunCatalogError(.unavailable, "\(path) cannot be opened: it must be a file in a folder of yours, and no link")
        }
    }

    static func makeFolder(_ path: String) throws(RunCatalogError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw RunCatalogError(.unavailable, "the folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    /// Makes the file's name survive power loss.
    static func sync(_ path: String) throws(RunCatalogError) {
        let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw RunCatalogError(.unavailable, "\(folder(of: path)) cannot be synced: \(String(cString: strerror(errno)))") }
    }

    static func folder(of path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }
}

/// Held by the one process that runs pipelines from a home; the system lets go of it when that process ends, however it ends.
package final class RunLock: Sendable {
    private let descriptor: Int32

    /// Throws when another process has it.
    package init(path: String) throws(RunCatalogError) {
        try RunFile.makeFolder(RunFile.folder(of: path))
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunCatalogError(.unavailable, "\(path) cannot be made: \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw RunCatalogError(.unavailable, "another 'penstock run' is at work here; wait until it has ended, or name another home with --home")
        }
    }

    deinit { close(descriptor) }
}
