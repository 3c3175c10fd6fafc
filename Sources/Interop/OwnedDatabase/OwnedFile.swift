// The database's file and folder: made for their owner only.
private import Foundation

package enum OwnedFile {
    /// Whether there is a file with something in it. Anything that is no file of its own name is refused.
    static func hasContent(_ path: String) throws(OwnedDatabaseError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return false }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw OwnedDatabaseError(message: "\(path) cannot be opened: it must be a file in a folder of yours, and no link")
        }
        return status.st_size > 0
    }

    /// Makes what is missing: the folder 0700, the file 0600. A file that exists is never opened here, because closing a second descriptor
    /// of it would drop the locks that SQLite holds in this process.
    static func prepare(_ path: String) throws(OwnedDatabaseError) {
        try makeFolder(folder(of: path))
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        var status = stat()
        guard errno == EEXIST, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw OwnedDatabaseError(message: "\(path) cannot be opened: it must be a file in a folder of yours, and no link")
        }
        guard status.st_mode & 0o077 == 0 || chmod(path, 0o600) == 0 else {
            throw OwnedDatabaseError(message: "others may read \(path), and that cannot be changed; make its mode 0600")
        }
    }

    /// With the folders above it, 0700.
    package static func makeFolder(_ path: String) throws(OwnedDatabaseError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw OwnedDatabaseError(message: "the folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    /// Makes the names of new files in the folder, and of the folder itself, survive power loss.
    static func sync(_ path: String) throws(OwnedDatabaseError) {
        for folder in [folder(of: path), Self.folder(of: folder(of: path))] {
            let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            // A parent that cannot be opened is not ours, and so not new.
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw OwnedDatabaseError(message: "\(folder) cannot be synced: \(String(cString: strerror(errno)))") }
        }
    }

    package static func folder(of path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }
}
