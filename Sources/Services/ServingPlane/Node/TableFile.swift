// What a node remembers of routing, so that it serves on without a control plane and never goes back.
internal import Evidence
private import Foundation
internal import Primitives

/// The newest accepted table, and for each service the table whose route is being served: they differ while a newer route is refused.
struct RememberedTables: Codable, Equatable {
    var format = 1
    var newest: Envelope
    var serving: [ServiceName: Envelope]
}

/// `table.json` in the node's folder, replaced whole and fsynced before a table takes effect.
struct TableFile: Sendable {
    let folder: String
    private var path: String { folder + "/table.json" }

    init(folder: String) { self.folder = folder }

    /// `nil` when there is none.
    func load() throws(ServingError) -> RememberedTables? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path), let tables: RememberedTables = try? StrictJSON.decode(from: Array(data)), tables.format == 1 else {
            throw ServingError("\(path) cannot be read, so this node does not know which table it accepted last; it is kept as \(path).damaged")
        }
        return tables
    }

    /// Keeps a damaged file for whoever looks into it, and out of the way of the next one.
    func setAside() { rename(path, path + ".damaged") }

    func save(_ tables: RememberedTables) throws(ServingError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
        let bytes = StrictJSON.encode(tables)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            written += count
        }
        let isWhole = written == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, rename(temporary, path) == 0 else { throw Self.failure(path) }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure(path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw Self.failure(path) }
    }

    private static func failure(_ path: String) -> ServingError {
        ServingError("\(path) cannot be written (\(String(cString: strerror(errno)))); what was served is served on, and no newer table is taken")
    }
}

package struct ServingError: Error, Sendable, CustomStringConvertible {
    /// One sentence with the remedy.
    package var message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}
