// What a node remembers of routing, so that it serves on without a control plane and never goes back.
internal import Evidence
internal import Primitives

/// The newest accepted table, and for each service the table whose route is being served: they differ while a newer route is refused.
struct RememberedTables: Codable, Equatable {
    var format = 1
    var newest: Envelope
    var serving: [ServiceName: Envelope]
}

/// `table.json` in the node's folder, on the disk before a table takes effect.
struct TableFile: Sendable {
    private let file: StateFile

    init(folder: String) { file = StateFile(folder: folder, name: "table.json") }

    /// `nil` when there is none.
    func load() throws(ServingError) -> RememberedTables? {
        let bytes: [UInt8]?
        do { bytes = try file.read() } catch { throw damaged }
        guard let bytes else { return nil }
        guard let tables: RememberedTables = try? StrictJSON.decode(from: bytes), tables.format == 1 else { throw damaged }
        return tables
    }

    private var damaged: ServingError {
        ServingError("\(file.path) cannot be read, so this node does not know which table it accepted last; it is kept as \(file.path).damaged")
    }

    func setAside() { file.setAside() }

    func save(_ tables: RememberedTables) throws(ServingError) {
        do { try file.replace(with: StrictJSON.encode(tables)) } catch {
            throw ServingError("\(error.message); what was served is served on, and no newer table is taken")
        }
    }
}

package struct ServingError: Error, Sendable, CustomStringConvertible {
    /// One sentence with the remedy.
    package var message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}
