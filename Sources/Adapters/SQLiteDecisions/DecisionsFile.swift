// The database's file, made for its owner only.
private import Foundation
internal import Ports

enum DecisionsFile {
    /// A file that exists is never opened here: closing a second descriptor of it would drop the locks that SQLite holds in this process.
    static func prepare(_ path: String) throws(DecisionStoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        var status = stat()
        guard errno == EEXIST, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw DecisionStoreError(.unavailable, "\(path) cannot be opened: it must be a file in a folder of yours, and no link")
        }
        guard status.st_mode & 0o077 == 0 || chmod(path, 0o600) == 0 else {
            throw DecisionStoreError(.unavailable, "others may read \(path), and that cannot be changed; make its mode 0600")
        }
    }

    /// Makes the name of a new file survive power loss.
    static func syncFolder(of path: String) throws(DecisionStoreError) {
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DecisionStoreError(.unavailable, "\(folder) cannot be opened: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw DecisionStoreError(.unavailable, "\(folder) cannot be synced: \(String(cString: strerror(errno)))") }
    }
}
