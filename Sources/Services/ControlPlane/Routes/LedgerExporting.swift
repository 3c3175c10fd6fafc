// The ledger as a file, written while it is sent.
internal import Evidence
internal import Hummingbird
internal import Ports

extension Handlers {
    /// The checkpoint is signed first and says how far the export goes; entries that come meanwhile are not in it. When an entry cannot be
    /// read the connection breaks off, so that the client never takes a part for the whole.
    static func export(_ call: Call) async throws -> Response {
        let note = try await call.rooms.desk.checkpoint()
        // C2SP tlog-checkpoint: the origin and the size are the first two lines.
        let parts: [ArraySlice<UInt8>] = note.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
        let lines: [String] = parts.map { String(decoding: $0, as: UTF8.self) }
        guard lines.count == 3, let size = Int(lines[1]), size >= 0 else {
            throw Failure(.damaged, rule: "checkpoint", "the checkpoint cannot be read; see the control plane's log")
        }
        let ledger = call.rooms.ledger
        return text(
            ResponseBody { (writer: inout any ResponseBodyWriter) async throws -> Void in
                try await writer.write(ByteBuffer(bytes: LedgerExport.header(origin: lines[0], size: size)))
                var index = 0
                while index < size {
                    let page = try await ledger.entries(from: index, limit: min(pageSize, size - index))
                    guard !page.isEmpty, page.count <= size - index, page.first?.index == index else {
                        throw Failure(.damaged, rule: "ledger", "the ledger has no entry \(index), and its checkpoint says \(size)")
                    }
                    var bytes = ByteBuffer()
                    for stored in page { bytes.writeBytes(LedgerExport.line(index: stored.index, entry: stored.entry)) }
                    try await writer.write(bytes)
                    index += page.count
                }
                try await writer.write(ByteBuffer(bytes: LedgerExport.trailer(checkpoint: note)))
                try await writer.finish(nil)
            })
    }

    private static let pageSize = 256
}
