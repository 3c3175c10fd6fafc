// What a ledger is after its write-ahead log was cut or changed.
import Evidence
import Foundation
import Ports
import Primitives
import SQLiteLedger
import Testing

/// A database whose first twelve entries are in the main file, and whose later commits are in the log only.
private struct LoggedLedger {
    /// What the ledger holds when the log goes no further than this.
    struct State {
        var logBytes: Int
        var size: Int
        var note: [UInt8]?
    }

    static let merged = 12, origin = "test.example/ledger"
    let folder: Folder
    let database: [UInt8]
    let log: [UInt8]
    /// One for each commit and each saved checkpoint, when it had returned.
    let states: [State]

    init() async throws {
        folder = try Folder()
        let path = folder("ledger.sqlite"), key = try signingKey(7)
        do {
            let ledger = try SQLiteLedger(path: path, origin: Self.origin)
            for index in 0..<Self.merged { _ = try await ledger.commit([Self.append(index)]) }
        }
        try raw(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        let ledger = try SQLiteLedger(path: path, origin: Self.origin)
        var states = [State(logBytes: 0, size: Self.merged)]
        for index in Self.merged..<50 {
            let position = try await ledger.commit([Self.append(index)])
            states.append(State(logBytes: try Files.size(path + "-wal"), size: index + 1, note: states.last?.note))
            guard index % 4 == 0 else { continue }
            let note = Checkpoint(origin: Self.origin, size: position.size, root: position.root).signed(by: key, name: Self.origin)
            try await ledger.save(checkpoint: note, size: position.size)
            states.append(State(logBytes: try Files.size(path + "-wal"), size: index + 1, note: note))
        }
        self.states = states
        let copy = try Snapshot.take(path, in: folder)
        database = try Files.bytes(copy)
        log = try Files.bytes(copy + "-wal")
        // The sizes mean what they say only while the log grows.
        try #require(states.map(\.logBytes) == states.map(\.logBytes).sorted() && states.last?.logBytes == log.count)
    }

    static func append(_ index: Int) -> LedgerAppend { StoresTests.append("stream/\(index % 3)", at: index / 3, "\(index)", about: [Digest.of("\(index % 5)")]) }

    func state(at place: Int) -> State { states.last { $0.logBytes <= place } ?? states[0] }

    /// Opened with another log, the ledger is exactly what had returned by then, and goes on.
    func requireState(_ state: State, with log: [UInt8], sharedMemory: [UInt8]? = nil, _ what: String) async throws {
        let path = folder("\(UUID().uuidString).sqlite")
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        try Files.write(database, to: path)
        try Files.write(log, to: path + "-wal")
        if let sharedMemory { try Files.write(sharedMemory, to: path + "-shm") }
        let ledger = try SQLiteLedger(path: path, origin: Self.origin)
        let entries = try await ledger.all()
        #expect(entries.count == state.size, "\(what)")
        #expect(entries.map(\.entry) == (0..<state.size).flatMap { Self.append($0).entries }, "\(what)")
        #expect(try await ledger.checkpoint() == state.note, "\(what)")
        try await ledger.verify(signer: (Self.origin, try signingKey(7).verificationKey))
        #expect(try await ledger.commit([Self.append(state.size)]).size == state.size + 1, "\(what)")
        try await ledger.verify()
    }
}

@Suite struct LedgerLogTests {
    private let ledger: LoggedLedger

    init() async throws { ledger = try await LoggedLedger() }

    /// Whatever is in the main file stays, and of the log every commit before the cut: whole commits, and none after.
    @Test func aCutLogGivesTheCommitsBeforeTheCut() async throws {
        var generator = SeededGenerator(seed: 3)
        var cuts = (0..<200).map { _ in Int.random(in: 0...ledger.log.count, using: &generator) }
        // And at the edges, where one byte decides.
        for state in ledger.states.suffix(3) { cuts += [state.logBytes - 1, state.logBytes] }
        for cut in cuts + [0, 1, 31, 32, 33] {
            try await ledger.requireState(ledger.state(at: cut), with: Array(ledger.log[..<cut]), "cut at \(cut) of \(ledger.log.count)")
        }
    }

    @Test func aChangedByteOfTheLogEndsItThere() async throws {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<100 {
            let place = Int.random(in: 0..<ledger.log.count, using: &generator)
            var log = ledger.log
            log[place] ^= UInt8.random(in: 1...255, using: &generator)
            try await ledger.requireState(ledger.state(at: place), with: log, "byte \(place) of \(ledger.log.count)")
        }
    }

    @Test func whatFollowsACutIsNotTaken() async throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20 {
            let cut = Int.random(in: 0...ledger.log.count, using: &generator)
            let rest = (cut..<ledger.log.count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try await ledger.requireState(ledger.state(at: cut), with: ledger.log[..<cut] + rest, "noise from \(cut)")
        }
    }

    @Test func theIndexOfTheLogIsMadeAgain() async throws {
        let whole = try #require(ledger.states.last)
        try await ledger.requireState(whole, with: ledger.log, sharedMemory: [UInt8](repeating: 0xA5, count: 32_768), "noise")
        try await ledger.requireState(whole, with: ledger.log, sharedMemory: [], "nothing")
    }
}
