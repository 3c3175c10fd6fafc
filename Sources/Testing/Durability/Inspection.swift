// What is left of a writer's folder, against what it had acknowledged.
private import Evidence
private import FileArtifacts
private import Foundation
private import GRDB
private import Ports
private import Primitives
private import SQLiteDecisions
private import SQLiteLedger

/// How a promise was broken, and how many times.
struct Findings {
    enum Kind: String, CaseIterable { case lost, corrupt, partial, dangling, unusable }

    private(set) var counts: [Kind: Int] = [:]
    /// The first of each kind.
    private(set) var examples: [Kind: String] = [:]
    var isEmpty: Bool { counts.isEmpty }

    mutating func add(_ kind: Kind, _ what: String) {
        counts[kind, default: 0] += 1
        if examples[kind] == nil { examples[kind] = what }
    }

    mutating func add(_ other: Findings, at place: String) {
        for (kind, count) in other.counts { counts[kind, default: 0] += count }
        for (kind, what) in other.examples where examples[kind] == nil { examples[kind] = "\(what) (\(place))" }
    }
}

enum Inspection {
    static func inspect(_ kind: Workload, _ root: String, _ acknowledged: Acknowledged) async -> Findings {
        switch kind {
        case .stores: await stores(root, acknowledged)
        case .poolNormal, .poolFull: await pool(root, acknowledged)
        case .filesUnsynced, .filesSynced: files(root, acknowledged)
        }
    }

    private static func stores(_ root: String, _ acknowledged: Acknowledged) async -> Findings {
        var findings = Findings()
        do {
            let artifacts = try FileArtifacts(folder: root + "/" + Content.artifacts)
            let ledger = try SQLiteLedger(path: root + "/" + Content.ledger, origin: Content.origin)
            let size = try await inspect(ledger, acknowledged, &findings)
            try await inspect(artifacts, entries: size, acknowledged, &findings)
            try await inspect(try SQLiteDecisions(path: root + "/" + Content.decisions, random: SameSalts()), acknowledged, &findings)
            inspectNames(root + "/" + Content.artifacts + "/sha256", &findings)
            // And the next round is as any other.
            _ = try await artifacts.put(Content.artifact(size))
            guard try await ledger.commit([Content.append(size)]).size == size + 1 else {
                findings.add(.unusable, "the next commit is at another place")
                return findings
            }
        } catch { findings.add(.unusable, "\(error)") }
        return findings
    }

    private static func inspect(_ ledger: SQLiteLedger, _ acknowledged: Acknowledged, _ findings: inout Findings) async throws -> Int {
        do throws(LedgerStoreError) { try await ledger.verify() } catch { findings.add(.corrupt, error.message) }
        let entries = try await ledger.entries(from: 0, limit: .max)
        if entries.count < acknowledged.entries { findings.add(.lost, "\(acknowledged.entries) entries were acknowledged, and \(entries.count) are there") }
        for stored in entries where stored.entry != Content.append(stored.index).entries[0] { findings.add(.corrupt, "entry \(stored.index) is another") }
        let note = String(decoding: try await ledger.checkpoint() ?? [], as: UTF8.self).split(separator: "\n")
        let saved = note.count > 1 ? Int(note[1]) ?? 0 : 0
        if saved < acknowledged.checkpoint { findings.add(.lost, "a checkpoint of \(acknowledged.checkpoint) was acknowledged, and one of \(saved) is there") }
        return entries.count
    }

    /// Batches follow one another, and taking what is there once more changes nothing.
    private static func inspect(_ decisions: SQLiteDecisions, _ acknowledged: Acknowledged, _ findings: inout Findings) async throws {
        let batches = try await decisions.batches(of: Content.node, after: 0), next = try await decisions.next(of: Content.node)
        for (batch, before) in zip(batches, [0] + batches.map(\.last)) where batch.first != before + 1 {
            findings.add(.corrupt, "a batch begins with \(batch.first) after \(before)")
        }
        if next <= acknowledged.frames { findings.add(.lost, "\(acknowledged.frames) frames were acknowledged, and \(next - 1) are there") }
        guard try await decisions.take((1...next).map(Content.frame), from: Content.node) == next else {
            findings.add(.unusable, "the frame after \(next - 1) is at another place")
            return
        }
    }

    /// An entry that is there, acknowledged or not, says that its artifact is there.
    private static func inspect(_ artifacts: FileArtifacts, entries: Int, _ acknowledged: Acknowledged, _ findings: inout Findings) async throws {
        for index in 0..<max(entries, acknowledged.artifacts) {
            let content = Content.artifact(index)
            do throws(ArtifactError) {
                if try await artifacts.read(Digest.of(content), limit: content.count) != content { findings.add(.partial, "artifact \(index) has other bytes") }
            } catch {
                findings.add(error.code == .missing ? (index < acknowledged.artifacts ? .lost : .dangling) : .partial, error.message)
            }
        }
    }

    /// Every name in the store has the bytes that it says.
    private static func inspectNames(_ folder: String, _ findings: inout Findings) {
        for name in (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? [] where name.utf8.count > 64 {
            let bytes = FileManager.default.contents(atPath: folder + "/" + name).map { Array($0) } ?? []
            if !name.hasSuffix(Digest.of(bytes).hex) { findings.add(.partial, "\(name) has \(bytes.count) bytes of another digest") }
        }
    }

    private static func pool(_ root: String, _ acknowledged: Acknowledged) async -> Findings {
        var findings = Findings()
        do {
            let pool = try DatabasePool(path: root + "/pool.sqlite")
            let rows = try await pool.read { database in
                try String.fetchOne(database, sql: "PRAGMA integrity_check") == "ok" && database.tableExists("row")
                    ? try Int.fetchAll(database, sql: "SELECT number FROM row ORDER BY number") : []
            }
            if rows.count < acknowledged.rows { findings.add(.lost, "\(acknowledged.rows) rows were acknowledged, and \(rows.count) are there") }
            if rows != Array(0..<rows.count) { findings.add(.corrupt, "the rows are \(rows)") }
        } catch { if acknowledged.rows > 0 { findings.add(.corrupt, "\(error)") } }
        return findings
    }

    private static func files(_ root: String, _ acknowledged: Acknowledged) -> Findings {
        var findings = Findings()
        for index in 0..<acknowledged.files {
            guard let bytes = FileManager.default.contents(atPath: root + "/file-\(index)") else {
                findings.add(.lost, "file \(index) was acknowledged, and is not there")
                continue
            }
            if Array(bytes) != Content.artifact(index) { findings.add(.partial, "file \(index) has \(bytes.count) bytes, and not its own") }
        }
        return findings
    }
}
