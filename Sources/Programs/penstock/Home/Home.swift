// Where an installation keeps its files.
import ArgumentParser
import Evidence
import Foundation
import Primitives

/// The folder `.penstock`, or where `--home` or `PENSTOCK_HOME` says. Folders are 0700, files 0600: nothing here is for other users.
struct Home {
    var path: String

    var trust: String { path + "/trust.json" }
    var control: String { path + "/control" }
    var keys: String { control + "/keys" }
    var database: String { control + "/ledger.sqlite" }
    var decisions: String { control + "/decisions.sqlite" }
    var artifacts: String { control + "/artifacts" }
    var tokens: String { control + "/tokens.json" }
    var operatorToken: String { path + "/operator.token" }
    /// What hides entities and values in the records of all nodes. Not the control plane's: it has no need to try values.
    var recordKey: String { path + "/record.key" }
    var run: String { path + "/run" }
    /// The training side's own: shared with no control plane and no node.
    var pipelines: String { path + "/pipelines" }

    func node(_ node: NodeID) -> String { path + "/nodes/\(node)" }

    var exists: Bool { FileManager.default.fileExists(atPath: trust) }

    func requireInitialised() throws {
        guard exists else {
            throw Failure.missingFile("there is no installation in \(path); make one with 'penstock init', or name another with --home")
        }
    }

    func trustEnvelope() throws -> Envelope { try TrustFile.envelope(trust) }

    /// The signed trust root. Refuses one that lacks signatures, and says how to add them.
    func trustRoot() throws -> TrustRoot {
        try requireInitialised()
        return try TrustFile.root(trust)
    }
}

struct HomeOptions: ParsableArguments {
    @Option(name: .long, help: "The installation's folder. Default: PENSTOCK_HOME, or .penstock here.")
    var home: String?

    var resolved: Home {
        var path = [home, ProcessInfo.processInfo.environment["PENSTOCK_HOME"]].compactMap { $0 }.first { !$0.isEmpty } ?? ".penstock"
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return Home(path: path)
    }
}

/// A trust root's file, with its name in every refusal.
enum TrustFile {
    static func envelope(_ path: String) throws -> Envelope {
        let bytes = try Files.read(path, limit: Limits.envelopeBytes)
        return try naming(path) { () throws(EvidenceError) in try Envelope.read(bytes) }
    }

    /// Refuses a root that is damaged, does not hold or lacks signatures.
    static func root(_ path: String) throws -> TrustRoot {
        let envelope = try envelope(path)
        return try naming(path) { () throws(EvidenceError) in try TrustRoot.openGenesis(envelope) }
    }

    /// A root whose signatures do not count yet.
    static func unverifiedRoot(_ envelope: Envelope, of path: String) throws -> TrustRoot {
        try naming(path) { () throws(EvidenceError) in try envelope.decodeUnverified(as: TrustRoot.payloadType) }
    }

    private static func naming<Value>(_ path: String, _ body: () throws(EvidenceError) -> Value) throws -> Value {
        do { return try body() } catch {
            guard error.code == .malformed else { throw Failure.refused("\(path): \(error.message)") }
            throw Failure.badInput("\(path): \(error.message); put the right file back")
        }
    }
}

/// Reads and writes small files the careful way.
enum Files {
    static func read(_ path: String, limit: Int = Limits.documentBytes) throws -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Failure.missingFile("the file \(path) cannot be read; check the name and its permissions")
        }
        defer { try? handle.close() }
        let data: Data
        // No data is the end of the file; a folder throws.
        do { data = try handle.read(upToCount: limit + 1) ?? Data() } catch { throw Failure.missingFile("\(path) cannot be read as a file; check that it is one") }
        guard data.count <= limit else { throw Failure.badInput("\(path) is larger than \(limit) bytes, the most that is read here") }
        return Array(data)
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try read(path), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Where a path leads to its last name. Foundation's own ends the process for a name of one character.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func makeFolder(_ path: String) throws {
        if mkdir(path, 0o700) == 0 { return }
        var code = errno
        if code == ENOENT, folder(of: path) != path {
            try makeFolder(folder(of: path))
            if mkdir(path, 0o700) == 0 { return }
            code = errno
        }
        var isFolder: ObjCBool = false
        guard code == EEXIST, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw Failure.cannotWrite("the folder \(path) cannot be made: \(code == EEXIST ? "a file has that name" : String(cString: strerror(code))); name another")
        }
    }

    static func requireAbsent(_ paths: [String]) throws {
        guard let taken = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) else { return }
        throw Failure.cannotWrite("\(taken) exists already; move it away first, nothing was overwritten")
    }

    /// Whole or not at all, durable, and readable by the owner only.
    static func write(_ bytes: [UInt8], to path: String, replacing: Bool = false) throws {
        if !replacing { try requireAbsent([path]) }
        let temporary = path + ".\(UInt32.random(in: 0...UInt32.max)).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure.cannotWrite("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            written += count
        }
        let synced = written == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard synced, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw Failure.cannotWrite("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        let folder = open(folder(of: path), O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
