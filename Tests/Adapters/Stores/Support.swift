// Folders that go away, entries that say which they are, and random numbers that repeat.
import Evidence
import Foundation
import GRDB
import Ports
import Primitives
import SQLiteLedger
import Testing

/// An empty folder; removed with its owner.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/stores-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    /// Every file and folder below, relative to it.
    func names() throws -> [String] { try FileManager.default.subpathsOfDirectory(atPath: path).sorted() }
}

enum Files {
    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
    static func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func mode(_ path: String) throws -> Int {
        var status = stat()
        try #require(lstat(path, &status) == 0)
        return Int(status.st_mode & 0o7777)
    }

    static func size(_ path: String) throws -> Int {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return Int(status.st_size)
    }

    /// In a process of its own: closing a descriptor of an open database in this one would drop SQLite's locks.
    static func copy(_ paths: [String], to folder: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/cp")
        process.arguments = ["--"] + paths + [folder]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

func entry(_ text: String) -> LedgerEntry {
    LedgerEntry(kind: "test.step", salt: Array(Digest.of("salt of " + text).bytes.prefix(16)), payload: Array("{\"step\":\"\(text)\"}".utf8))
}

func append(_ stream: String, at revision: Int, _ steps: String..., about subjects: [Digest] = []) -> LedgerAppend {
    LedgerAppend(
        stream: StreamID(stream), expectedRevision: revision, entries: steps.map { entry($0) }, subjects: steps.map { _ in subjects },
        head: Array("{\"after\":\"\(steps.last ?? "nothing")\"}".utf8))
}

func signingKey(_ byte: UInt8) throws -> SigningKey { try #require(SigningKey(seed: [UInt8](repeating: byte, count: 32))) }

extension LedgerStore {
    func all() async throws(LedgerStoreError) -> [StoredEntry] { try await entries(from: 0, limit: .max) }
}

/// The error that the body throws, of the store's own type.
func ledgerError(_ body: () async throws -> Void) async -> LedgerStoreError? {
    do {
        try await body()
        return nil
    } catch { return error as? LedgerStoreError }
}

func artifactError(_ body: () async throws -> Void) async -> ArtifactError? {
    do {
        try await body()
        return nil
    } catch { return error as? ArtifactError }
}

/// A second connection of SQLite's own, as a person with `sqlite3` would have it: no keys, no checks.
func raw(_ path: String, _ sql: String, _ arguments: StatementArguments = []) throws {
    try withRaw(path) { try $0.execute(sql: sql, arguments: arguments) }
}

func withRaw<Result>(_ path: String, _ body: (Database) throws -> Result) throws -> Result {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA ignore_check_constraints = ON") }
    return try DatabaseQueue(path: path, configuration: configuration).writeWithoutTransaction(body)
}

/// An error as it can be compared.
struct Told: Hashable, CustomStringConvertible {
    var code: LedgerStoreError.Code
    var message: String

    init(_ code: LedgerStoreError.Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: LedgerStoreError) { self.init(error.code, error.message) }

    var description: String { message }
}
