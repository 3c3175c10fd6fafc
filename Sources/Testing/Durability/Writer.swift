// The program whose disk is taken away: it says on its standard output what it was told is durable, and when.
internal import Decisions
internal import Evidence
private import FileArtifacts
private import Foundation
private import GRDB
internal import Ports
internal import Primitives
private import SQLiteDecisions
private import SQLiteLedger

enum Workload: String {
    /// The stores of Penstock.
    case stores
    /// GRDB's pool as it comes, and with the one setting that Penstock adds.
    case poolNormal, poolFull
    /// A file written and renamed; and the same with the three syncs.
    case filesUnsynced, filesSynced
}

/// What round `index` writes: the same in every run.
enum Content {
    static let origin = "durability.example/ledger"
    static let ledger = "control/ledger.sqlite", artifacts = "control/artifacts", decisions = "control/decisions.sqlite"

    static func artifact(_ index: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1500 + index * 977 % 9000) + Array("artifact \(index)".utf8)
    }

    static func append(_ index: Int) -> LedgerAppend {
        let digest = Digest.of(artifact(index))
        let entry = LedgerEntry(
            kind: "durability.round", salt: Array(Digest.of("salt \(index)").bytes.prefix(16)), payload: Array("{\"artifact\":\"\(digest)\",\"round\":\(index)}".utf8))
        return LedgerAppend(stream: StreamID("round/\(index % 3)"), expectedRevision: index / 3, entries: [entry], subjects: [[digest]], head: Array("\(index)".utf8))
    }
}

extension Content {
    static var node: NodeID {
        guard let node = NodeID("node-1") else { preconditionFailure("'node-1' is the name of a node") }
        return node
    }

    /// What a node sends as its entry `sequence`, of a kind that the store keeps without looking into it.
    static func frame(_ sequence: UInt64) -> LogFrame {
        LogFrame(sequence: sequence, place: 1, kind: .init(rawValue: 200), payload: Array("frame \(sequence)".utf8))
    }
}

extension DecisionStore {
    func next(of node: NodeID) async throws -> UInt64 { (try await batches(of: node, after: 0).last?.last ?? 0) + 1 }
}

/// Salts that are the same in every run.
struct SameSalts: RandomSource {
    func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }
}

struct Writer {
    var kind: Workload
    var root: String
    var rounds: Int

    func run() async throws {
        switch kind {
        case .stores: try await stores()
        case .poolNormal: try await pool(isFull: false)
        case .poolFull: try await pool(isFull: true)
        case .filesUnsynced: try files(isSynced: false)
        case .filesSynced: try files(isSynced: true)
        }
    }

    /// One write for each line: the shim knows by it what was acknowledged.
    private func acknowledge(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// Goes on where an earlier run was killed. An error ends a round, and the next one is tried: what was acknowledged must hold all the same.
    private func stores() async throws {
        let ledger: SQLiteLedger, artifacts: FileArtifacts, decisions: SQLiteDecisions
        do {
            artifacts = try FileArtifacts(folder: root + "/" + Content.artifacts)
            ledger = try SQLiteLedger(path: root + "/" + Content.ledger, origin: Content.origin)
            decisions = try SQLiteDecisions(path: root + "/" + Content.decisions, random: SameSalts())
        } catch {
            acknowledge("refused \(error)")
            return
        }
        var index = (try? await ledger.position().size) ?? 0
        for _ in index..<max(index, rounds) {
            do {
                _ = try await artifacts.put(Content.artifact(index))
                acknowledge("artifact \(index)")
                let position = try await ledger.commit([Content.append(index)])
                acknowledge("entry \(index)")
                index += 1
                // A node sends again what it does not know to have arrived.
                let next = try await decisions.next(of: Content.node)
                let taken = try await decisions.take(next == 1 ? [Content.frame(1)] : [Content.frame(next - 1), Content.frame(next)], from: Content.node)
                acknowledge("frame \(taken)")
                guard index.isMultiple(of: 4) else { continue }
                let note = "\(Content.origin)\n\(position.size)\n\(Data(position.root.bytes).base64EncodedString())\n\n\u{2014} \(Content.origin) unsigned\n"
                try await ledger.save(checkpoint: Array(note.utf8), size: position.size)
                acknowledge("checkpoint \(position.size)")
            } catch { acknowledge("refused \(error)") }
        }
    }

    private func pool(isFull: Bool) async throws {
        let pool = try DatabasePool(path: root + "/pool.sqlite")
        if isFull { try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") } }
        try await pool.write { try $0.execute(sql: "CREATE TABLE IF NOT EXISTS row (number INTEGER PRIMARY KEY, body BLOB)") }
        try sync(root)
        for index in 0..<rounds {
            try await pool.write { try $0.execute(sql: "INSERT INTO row VALUES (?, ?)", arguments: [index, Data(Content.artifact(index))]) }
            acknowledge("row \(index)")
        }
    }

    private func files(isSynced: Bool) throws {
        for index in 0..<rounds {
            let path = root + "/file-\(index)"
            let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_EXCL, 0o600)
            guard descriptor >= 0, Content.artifact(index).withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) > 0 else { throw CocoaError(.fileWriteUnknown) }
            if isSynced { fsync(descriptor) }
            close(descriptor)
            rename(path + ".new", path)
            if isSynced { try sync(root) }
            acknowledge("file \(index)")
        }
    }

    private func sync(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw CocoaError(.fileWriteUnknown) }
        close(descriptor)
    }
}
