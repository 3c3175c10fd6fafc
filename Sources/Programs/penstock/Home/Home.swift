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
    var artifacts: String { control + "/artifacts" }
    var tokens: String { control + "/tokens.json" }
    var operatorToken: String { path + "/operator.token" }
    var run: String { path + "/run" }

    func node(_ node: NodeID) -> String { path + "/nodes/\(node)" }

    var exists: Bool { FileManager.default.fileExists(atPath: trust) }

    func requireInitialised() throws {
        guard exists else {
            throw Failure.missingFile("there is no installation in \(path); make one with 'penstock init', or name another with --home")
        }
    }

    func trustEnvelope() throws -> Envelope { try Envelope.read(Files.read(trust, limit: Limits.envelopeBytes)) }

    /// The signed trust root. Refuses one that lacks signatures, and says how to add them.
    func trustRoot() throws -> TrustRoot {
        try requireInitialised()
        return try TrustRoot.openGenesis(try trustEnvelope())
    }
}

struct HomeOptions: ParsableArguments {
    @Option(name: .long, help: "The installation's folder. Default: PENSTOCK_HOME, or .penstock here.")
    var home: String?

    var resolved: Home {
        Home(path: home ?? ProcessInfo.processInfo.environment["PENSTOCK_HOME"] ?? ".penstock")
    }
}

/// Reads and writes small files the careful way.
enum Files {
    static func read(_ path: String, limit: Int = Limits.documentBytes) throws -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Failure.missingFile("the file \(path) cannot be read; check the name and its permissions")
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: limit + 1) else { return [] }
        guard data.count <= limit else { throw Failure.badInput("\(path) is larger than \(limit) bytes, the most that is read here") }
        return Array(data)
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try read(path), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure.cannotWrite("the folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    /// Whole or not at all, durable, and readable by the owner only.
    static func write(_ bytes: [UInt8], to path: String, replacing: Bool = false) throws {
        guard replacing || !FileManager.default.fileExists(atPath: path) else {
            throw Failure.cannotWrite("\(path) exists already; move it away first, nothing was overwritten")
        }
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
        let folder = open((path as NSString).deletingLastPathComponent.isEmpty ? "." : (path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
