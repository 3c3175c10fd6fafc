// The log's disk as a folder of the file system.
private import Foundation
private import Synchronization

/// Folders 0700, files 0600, links are not followed, and no descriptor goes to a child. A lock on the file `lock` keeps other processes out; it goes with
/// the process, however that ends.
package final class FolderDisk: LogDisk {
    private let folder: String
    private let lock = Mutex<Int32?>(nil)

    package init(_ folder: String) {
        self.folder = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
    }

    deinit { release() }

    package func claim() throws(DiskFailure) {
        try Self.make(folder)
        // A crash may have come between making it and this, the last time.
        try Self.sync((folder as NSString).deletingLastPathComponent)
        let path = folder + "/lock"
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK
                ? DiskFailure(isFull: false, "\(folder) is open already, in another process or in this one") : Self.failure("lock \(path)", code)
        }
        lock.withLock { $0 = descriptor }
    }

    package func release() {
        lock.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    package func names() throws(DiskFailure) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw DiskFailure(isFull: false, "\(folder) cannot be listed: \(error)")
        }
    }

    package func open(_ name: String, _ mode: OpeningMode) throws(DiskFailure) -> any LogFile {
        let path = folder + "/" + name
        let flags: Int32 =
            switch mode {
            case .existing: 0
            case .new: O_CREAT | O_EXCL
            case .replacing: O_CREAT | O_TRUNC
            }
        let descriptor = Foundation.open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | flags, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open \(path)") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DiskFailure(isFull: false, "\(path) is not a file")
        }
        return FolderFile(descriptor: descriptor, path: path)
    }

    package func rename(_ name: String, to newName: String) throws(DiskFailure) {
        guard Foundation.rename(folder + "/" + name, folder + "/" + newName) == 0 else { throw Self.failure("rename \(folder)/\(name)") }
    }

    package func remove(_ name: String) throws(DiskFailure) {
        guard unlink(folder + "/" + name) == 0 else { throw Self.failure("remove \(folder)/\(name)") }
    }

    package func syncFolder() throws(DiskFailure) { try Self.sync(folder) }

    private static func make(_ path: String) throws(DiskFailure) {
        let parent = (path as NSString).deletingLastPathComponent
        if mkdir(path, 0o700) == 0 { return try sync(parent) }
        if errno == ENOENT {
            try make(parent)
            return try make(path)
        }
        var status = stat()
        guard errno == EEXIST else { throw failure("make the folder \(path)") }
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw DiskFailure(isFull: false, "\(path) must be a folder, and no link to one")
        }
    }

    private static func sync(_ path: String) throws(DiskFailure) {
        let descriptor = Foundation.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the folder \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync the folder \(path)") }
    }

    fileprivate static func failure(_ tried: String, _ code: Int32 = errno) -> DiskFailure {
        DiskFailure(isFull: code == ENOSPC || code == EDQUOT, "cannot \(tried): \(String(cString: strerror(code)))")
    }
}

private final class FolderFile: LogFile {
    private let descriptor: Int32
    private let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func size() throws(DiskFailure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FolderDisk.failure("look at \(path)") }
        return Int(status.st_size)
    }

    func read(at offset: Int, count: Int) throws(DiskFailure) -> [UInt8] {
        var failed: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failed = errno }
                guard got > 0 else { return }
                filled += got
            }
        }
        guard failed == 0 else { throw FolderDisk.failure("read \(path)", failed) }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(DiskFailure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written, off_t(offset + written)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FolderDisk.failure("write to \(path)") }
            written += count
        }
    }

    func truncate(to size: Int) throws(DiskFailure) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FolderDisk.failure("truncate \(path)") }
    }

    func sync() throws(DiskFailure) {
        #if canImport(Darwin)
            guard fcntl(descriptor, F_FULLFSYNC) == 0 else { throw FolderDisk.failure("sync \(path)") }
        #else
            guard fdatasync(descriptor) == 0 else { throw FolderDisk.failure("sync \(path)") }
        #endif
    }
}
