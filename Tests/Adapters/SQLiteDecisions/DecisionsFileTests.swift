// Which files are taken up: new ones, older ones, ones whose first start was cut short; and nobody else's.
import Decisions
import Foundation
import Ports
import Primitives
import SQLiteDecisions
import TestKit
import Testing

@Suite struct DecisionsFileTests {
    /// What the program before sightings left behind.
    private static func older(_ folder: StoreFolder) async throws -> NodeLog {
        var log = try NodeLog()
        do {
            let store = try folder.open()
            try log.told(1, .truth(true))
            try log.told(2, .truth(false))
            try await log.send(to: store)
        }
        try folder.change("DROP TABLE sighting; DELETE FROM grdb_migrations WHERE identifier = '0002-sightings'")
        return log
    }

    @Test func aFileFromBeforeSightingsIsTakenUpWithItsContent() async throws {
        let folder = try StoreFolder()
        var log = try await Self.older(folder)
        let store = try folder.open()
        #expect(try await store.batches(of: log.node, after: 0).map(\.last) == [2])
        #expect(try await store.seen().isEmpty)
        try log.compared(1)
        try log.compared(2)
        try log.told(2, .truth(true))
        try await log.send(to: store)
        // Outcomes from before are joined.
        #expect(try await store.seen() == ["1 compared", "1 true", "2 compared", "2 false", "2 contradicted"])
    }

    @Test func aFirstStartThatWasCutShortIsTakenUp() async throws {
        for broken in ["", "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)"] {
            let folder = try StoreFolder()
            #expect(FileManager.default.createFile(atPath: folder.file, contents: nil, attributes: [.posixPermissions: 0o600]))
            if !broken.isEmpty { try folder.change(broken) }
            let store = try folder.open()
            var log = try NodeLog()
            try log.compared(1)
            try await log.send(to: store)
            #expect(try await store.seen() == ["1 compared"])
        }
    }

    @Test func somebodyElsesFileIsLeftAlone() throws {
        let folder = try StoreFolder()
        #expect(FileManager.default.createFile(atPath: folder.file, contents: nil, attributes: [.posixPermissions: 0o600]))
        try folder.change("CREATE TABLE entry (mine TEXT)")
        let error = #expect(throws: DecisionStoreError.self) { try folder.open() }
        #expect(error?.message.contains("is not a Penstock decision store; choose another file") == true)
        #expect(try folder.count("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'batch'") == 0)
    }

    @Test func aFileOfANewerProgramIsRefused() async throws {
        let folder = try StoreFolder()
        _ = try folder.open()
        try folder.change("INSERT INTO grdb_migrations VALUES ('0099-later')")
        let error = #expect(throws: DecisionStoreError.self) { try folder.open() }
        #expect(error?.message.contains("newer Penstock") == true)
    }

    @Test func theFileIsItsOwnersOnlyAndALinkIsRefused() throws {
        let folder = try StoreFolder()
        #expect(FileManager.default.createFile(atPath: folder.file, contents: nil, attributes: [.posixPermissions: 0o644]))
        _ = try folder.open()
        let mode = try FileManager.default.attributesOfItem(atPath: folder.file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let other = try StoreFolder()
        try FileManager.default.createSymbolicLink(atPath: other.file, withDestinationPath: folder.file)
        #expect(throws: DecisionStoreError.self) { try other.open() }
    }
}
