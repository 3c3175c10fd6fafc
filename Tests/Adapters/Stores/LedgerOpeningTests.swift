// Which files the ledger opens, and what it says about the others.
import Evidence
import Foundation
import GRDB
import GRDBSQLite
import Ports
import Primitives
import SQLiteLedger
import Testing

@Suite struct LedgerOpeningTests {
    private let folder: Folder
    private let path: String

    init() throws {
        folder = try Folder()
        path = folder("ledger.sqlite")
    }

    private func refusal(_ path: String, origin: String? = nil) -> Told? {
        do throws(LedgerStoreError) {
            _ = try SQLiteLedger(path: path, origin: origin)
            return nil
        } catch { return Told(error) }
    }

    private func make(origin: String? = nil) async throws {
        let ledger = try SQLiteLedger(path: path, origin: origin)
        for round in 0..<5 { _ = try await ledger.commit([append("stream", at: round, "\(round)")]) }
    }

    @Test func theWriterSyncsEveryCommit() async throws {
        for time in ["new", "again", "from another journal"] {
            if time == "from another journal" { try raw(path, "PRAGMA journal_mode = DELETE") }
            let ledger = try SQLiteLedger(path: path)
            let durability = try ledger.durability()
            #expect(durability.synchronous == 2, "\(time)")
            #expect(durability.journal == "wal", "\(time)")
            #expect(durability.foreignKeys, "\(time)")
            #expect(durability.isEnough, "\(time)")
        }
    }

    @Test func nothingLessIsEnough() throws {
        var durability = try SQLiteLedger(path: path).durability()
        for synchronous in -1...3 {
            for journal in ["wal", "delete", "truncate", "persist", "memory", "off", "unknown"] {
                for foreignKeys in [true, false] {
                    durability.synchronous = synchronous
                    durability.journal = journal
                    durability.foreignKeys = foreignKeys
                    #expect(durability.isEnough == (synchronous == 2 && journal == "wal" && foreignKeys), "\(durability)")
                }
            }
        }
    }

    @Test func whatWasCommittedIsThereAgain() async throws {
        try await make(origin: "test.example/ledger")
        let ledger = try SQLiteLedger(path: path, origin: "test.example/ledger")
        #expect(try await ledger.all().map(\.entry) == (0..<5).map { entry("\($0)") })
        try await ledger.verify()
    }

    /// A first start that broke at any write, sync or truncation, and for good, so that nothing was put right again.
    @Test func aFirstStartThatBrokeIsTakenUp() async throws {
        var places = 0, refused: [String] = []
        for allowed in 0..<200 {
            let broken = try Folder(), disk = FaultyDisk(under: broken.path), path = broken("ledger.sqlite")
            disk.fail(with: SQLITE_IOERR | (3 << 8), on: [.write, .sync, .truncate], after: allowed)
            let error = await ledgerError { _ = try SQLiteLedger(path: path, origin: "test.example/ledger") }
            let left = try FileManager.default.contentsOfDirectory(atPath: broken.path).filter { !$0.hasSuffix("-shm") }
            let target = folder("\(allowed)")
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
            try Files.copy(left.map { broken($0) }, to: target)
            disk.remove()
            if disk.heal() == 0 {
                #expect(error == nil)
                break
            }
            places += 1
            // What breaks in closing, nobody is told.
            #expect(error == nil || error?.code == .unavailable, "\(error?.message ?? "")")
            let later = await ledgerError {
                let ledger = try SQLiteLedger(path: target + "/ledger.sqlite", origin: "test.example/ledger")
                _ = try await ledger.commit([append("stream", at: 0, "x")])
                try await ledger.verify()
            }
            if let later { refused.append("after \(allowed) operations: \(later.message)") }
        }
        #expect(places > 20)
        #expect(refused == [])
    }

    @Test func foldersAndAnEmptyFileAreEnough() async throws {
        let deep = folder("a/b/c/ledger.sqlite"), empty = folder("empty")
        try Files.write([], to: empty)
        for path in [deep, empty] {
            _ = try await SQLiteLedger(path: path).commit([append("stream", at: 0, "x")])
            #expect(try await SQLiteLedger(path: path).position().size == 1)
        }
    }

    @Test func aForeignDatabaseIsRefusedAndNotTouched() throws {
        try raw(path, "CREATE TABLE guests (name TEXT); INSERT INTO guests VALUES ('Ada')")
        let before = try Files.bytes(path), mode = try Files.mode(path)
        #expect(refusal(path) == Told(.unavailable, "\(path) is not a Penstock ledger; choose another file, or move it away"))
        #expect(try Files.bytes(path) == before)
        #expect(try Files.mode(path) == mode)
        try raw(path, "PRAGMA application_id = 7")
        #expect(refusal(path) == Told(.unavailable, "\(path) is not a Penstock ledger; choose another file, or move it away"))
    }

    @Test(arguments: ["INSERT INTO grdb_migrations VALUES ('0002-future')", "UPDATE meta SET value = '2' WHERE name = 'format'"])
    func aNewerFormatIsRefused(_ change: String) async throws {
        try await make()
        try raw(path, change)
        #expect(refusal(path) == Told(.unavailable, "\(path) was written by a newer Penstock; start that version"))
    }

    @Test func anotherNameIsRefused() async throws {
        try await make(origin: "test.example/ledger")
        let error = refusal(path, origin: "other.example/ledger")
        #expect(error == Told(.unavailable, "\(path) is the ledger of 'test.example/ledger', and 'other.example/ledger' was asked for; choose the right file or name"))
        #expect(refusal(path) == nil)
    }

    @Test func aTextFileIsRefusedAndNotTouched() throws {
        let text = Array("Dear diary, today I was taken for a database.\n".utf8)
        try Files.write(text, to: path)
        let error = refusal(path)
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("file is not a database") == true)
        #expect(try Files.bytes(path) == text)
    }

    @Test func aFileCutInHalfIsDamaged() async throws {
        try await make()
        let bytes = try Snapshot.bytes(path, in: folder)
        for length in [100, 5000, bytes.count / 2, bytes.count - 4096] {
            let half = folder("\(length).sqlite")
            try Files.write(Array(bytes[..<length]), to: half)
            let error: Told?
            if let refusal = refusal(half) { error = refusal } else { error = await ledgerError { try await SQLiteLedger(path: half).verify() }.map(Told.init) }
            #expect(error?.code == .damaged, "\(length) of \(bytes.count) bytes: \(error?.message ?? "nothing was wrong")")
        }
    }

    @Test func whatIsNoFileIsRefused() throws {
        let target = folder("target"), link = folder("link"), pipe = folder("pipe"), inner = folder("directory")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        try #require(mkfifo(pipe, 0o600) == 0)
        for path in [inner, link, pipe] {
            #expect(refusal(path) == Told(.unavailable, "\(path) cannot be opened: it must be a file in a folder of yours, and no link"))
        }
        #expect(!Files.exists(target))
        try Files.write([1], to: target)
        #expect(refusal(link)?.code == .unavailable)
        #expect(try Files.bytes(target) == [1])
        let below = target + "/ledger.sqlite"
        #expect(refusal(below)?.message.hasPrefix("the folder \(target) cannot be made: ") == true)
    }

    @Test func anUnreadableFileIsRefused() async throws {
        try await make()
        try #require(chmod(folder.path, 0o755) == 0 && chmod(path, 0) == 0)
        await #expect(processExitsWith: .success) { [path = path as String] in
            // A superuser may read everything.
            if geteuid() == 0 { try #require(setuid(65_534) == 0) }
            let error = await ledgerError { _ = try SQLiteLedger(path: path) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.hasPrefix("opening \(path) as the ledger failed: ") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aFileOfOthersThatCannotBeClosedToThemIsRefused() async throws {
        try await make()
        try #require(chmod(folder.path, 0o755) == 0 && chmod(path, 0o666) == 0)
        guard geteuid() == 0 else { return }
        await #expect(processExitsWith: .success) { [path = path as String] in
            try #require(setuid(65_534) == 0)
            let error = await ledgerError { _ = try SQLiteLedger(path: path) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test func whatOthersMayReadIsClosedToThem() async throws {
        try await make()
        for mode: mode_t in [0o666, 0o644, 0o640, 0o604] {
            try #require(chmod(path, mode) == 0)
            _ = try SQLiteLedger(path: path)
            #expect(try Files.mode(path) == 0o600)
        }
    }

    /// Takes the five seconds that the ledger waits.
    @Test func aLedgerThatAnotherHoldsIsUnavailableAndThenAvailable() async throws {
        let ledger = try SQLiteLedger(path: path)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: path, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let error = await ledgerError { _ = try await ledger.commit([append("stream", at: 0, "x")]) }.map(Told.init)
        #expect(error == Told(.unavailable, "another process holds the ledger; stop it and try again"))
        #expect(try await ledger.position().size == 0, "reading goes on")
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        #expect(try await ledger.commit([append("stream", at: 0, "x")]).size == 1)
    }
}
