// Small files of a node's own state, each replaced whole.
private import Foundation
internal import Primitives

/// One file in the node's folder. A new content is on the disk, or the old one still is: it is written beside, fsynced, renamed, and the folder is fsynced.
struct StateFile: Sendable {
    let folder: String
    let name: String
    var path: String { folder + "/" + name }

    /// `nil` when there is none.
    func read() throws(ServingError) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else { throw ServingError("\(path) cannot be read; look at its owner and its disk") }
        return Array(data)
    }

    func replace(with bytes: [UInt8]) throws(ServingError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            written += count
        }
        let isWhole = written == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, rename(temporary, path) == 0 else { throw failure() }
        try syncFolder()
    }

    /// Gone for good when this returns. Nothing happens when there is none.
    func remove() throws(ServingError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure() }
        try syncFolder()
    }

    /// Keeps a damaged file for whoever looks into it, and out of the way of the next one.
    func setAside() { rename(path, path + ".damaged") }

    private func syncFolder() throws(ServingError) {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure() }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure() }
    }

    private func failure() -> ServingError { ServingError("\(path) cannot be written (\(String(cString: strerror(errno))))") }
}
