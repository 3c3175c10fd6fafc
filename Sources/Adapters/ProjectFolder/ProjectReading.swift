// Reads, copies and digests the files of a project and of its workspaces.
private import Foundation
internal import Pipelines
internal import Ports
internal import Primitives

enum ProjectReading {
    /// What Python writes beside a script that it imported, and checks against the script before it uses it.
    static let pythonCache = "__pycache__"

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func scan(_ path: String, named name: String, _ body: ([UInt8]) throws(ProjectError) -> Void) throws(ProjectError) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw ProjectError(.unreadable, "\(name) cannot be read: \(reason())") }
            throw ProjectError(.missing, "there is no \(name) in the project; bring it there, or correct the path")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw ProjectError(.unreadable, "\(name) is not a file") }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ProjectError(.unreadable, "\(name) cannot be read: \(reason())") }
            if count == 0 { return }
            try body(Array(buffer[..<count]))
        }
    }

    static func digest(_ path: String, named name: String) throws(ProjectError) -> Digest {
        var hasher = DigestHasher()
        try scan(path, named: name) { hasher.update($0) }
        return hasher.finalize()
    }

    /// Folders of the names in `leavingOut` are not looked into.
    static func tree(_ folder: String, named name: ProjectPath, leavingOut: Set<String>) throws(ProjectError) -> TreeDigest {
        var entries: [TreeEntry] = []
        try walk(folder, below: nil, name, leavingOut, &entries)
        do { return try TreeDigest(of: entries) } catch { throw ProjectError(.unreadable, "\(name): \(error.message)") }
    }

    private static func walk(
        _ folder: String, below path: ProjectPath?, _ name: ProjectPath, _ leavingOut: Set<String>, _ entries: inout [TreeEntry]
    ) throws(ProjectError) {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw ProjectError(.unreadable, "the folder \(name)\(path.map { "/\($0)" } ?? "") cannot be read: \(error.localizedDescription)")
        }
        guard entries.count + names.count <= TreeDigest.mostFiles else {
            throw ProjectError(.unreadable, "\(name) has over \(TreeDigest.mostFiles) files; pack them")
        }
        for child in names where !leavingOut.contains(child) {
            guard let place = path.map({ ProjectPath($0.text + "/" + child) }) ?? ProjectPath(child) else {
                throw ProjectError(.unreadable, "a file in \(name) has a name that cannot be written down; rename it")
            }
            let full = folder + "/" + child
            var status = stat()
            guard lstat(full, &status) == 0 else { throw ProjectError(.unreadable, "\(name)/\(place) cannot be read: \(reason())") }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try walk(full, below: place, name, leavingOut, &entries)
            case S_IFREG:
                let content = try digest(full, named: "\(name)/\(place)")
                entries.append(TreeEntry(path: place, kind: .file(content: content, isExecutable: status.st_mode & 0o100 != 0)))
            case S_IFLNK: entries.append(TreeEntry(path: place, kind: .symbolicLink))
            default: entries.append(TreeEntry(path: place, kind: .special))
            }
        }
    }

    static func makeFolder(_ path: String) throws(ProjectError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw ProjectError(.cannotWrite, "the folder \(path) cannot be made: \(error.localizedDescription)") }
    }

    static func write(_ bytes: [UInt8], to path: String, isExecutable: Bool = false) throws(ProjectError) {
        try makeFolder((path as NSString).deletingLastPathComponent)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, isExecutable ? 0o700 : 0o600)
        guard descriptor >= 0 else { throw ProjectError(.cannotWrite, "\(path) cannot be written: \(reason())") }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, path)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(ProjectError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ProjectError(.cannotWrite, "\(path) cannot be written: \(reason()); make room and run again") }
            written += count
        }
    }

    /// The digest of what was copied.
    static func copy(_ origin: String, to path: String, isExecutable: Bool, named name: String) throws(ProjectError) -> Digest {
        try write([], to: path, isExecutable: isExecutable)
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw ProjectError(.cannotWrite, "\(path) cannot be written: \(reason())") }
        defer { close(descriptor) }
        var hasher = DigestHasher()
        try scan(origin, named: name) { chunk throws(ProjectError) in
            hasher.update(chunk)
            try write(chunk, to: descriptor, path)
        }
        return hasher.finalize()
    }

    /// A stage may have left folders that cannot be entered.
    static func removeFolder(_ path: String) {
        if let names = FileManager.default.enumerator(atPath: path) {
            for case let name as String in names where isFolder(path + "/" + name) { chmod(path + "/" + name, 0o700) }
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    static func reason() -> String { String(cString: strerror(errno)) }

    /// A file's bytes, a piece at a time, from its beginning each time it is iterated.
    struct Chunks: AsyncSequence, Sendable {
        typealias Element = [UInt8]
        typealias Failure = any Error

        var path: String

        struct AsyncIterator: AsyncIteratorProtocol {
            private let path: String
            private var handle: FileHandle?

            fileprivate init(path: String) { self.path = path }

            mutating func next() async throws -> [UInt8]? {
                let open = try handle ?? FileHandle(forReadingFrom: URL(filePath: path))
                handle = open
                guard let data = try open.read(upToCount: 1 << 18), !data.isEmpty else { return nil }
                return Array(data)
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(path: path) }
    }
}
